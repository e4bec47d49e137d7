import type { RedisAddress } from './address.ts';
import type { RedisClientModule } from './load-client.ts';

/** The words of a command. */
export type RedisArguments = readonly (string | Buffer)[];

/** Which server answers: another run id is another process, which may hold nothing of what the last one held. */
export interface ServerIdentity {
  /** Run id of the server; of a cluster, those of all its masters. */
  readonly runId: string;
  /** Whole seconds since it was started; of a cluster, since the youngest master was. */
  readonly uptimeSeconds: number;
}

/** One connection as a {@link RedisConnection} uses it: a single server, or a cluster behind one face. */
export interface RedisDriver {
  /** Sends a command. A cluster is asked at the node of the key. */
  send(words: RedisArguments, key: string | undefined): Promise<unknown>;
  /** Whether an error is the server's answer, and not the lack of one. */
  isReply(error: unknown): boolean;
  /** Asks the servers who they are. */
  identify(): Promise<ServerIdentity>;
  /** Waits for the answers that are due, then disconnects. */
  close(): Promise<void>;
  /** Disconnects at once. */
  destroy(): void;
}

/** What a driver reports. */
export interface DriverHooks {
  /** The connection is gone for good: its owner makes another. */
  lost(error: Error): void;
  /** One node of a cluster is gone; the driver connects to it again by itself. */
  nodeLost(error: Error): void;
  /** A node of a cluster is there again. */
  nodeReady(): void;
}

/** How to connect. */
export interface DriverOptions {
  readonly address: RedisAddress;
  readonly name: string;
  readonly connectTimeoutMs: number;
  /** How long a cluster waits before it connects to a lost node again, in milliseconds. */
  readonly nodeReconnectMs: () => number;
}

/** Begins to connect; `opened` settles when the connection can be used. */
export interface Opening {
  readonly driver: RedisDriver;
  readonly opened: Promise<unknown>;
}

// The vendor's own time limit per command costs a timer and an AbortSignal each, three to five times the command itself.
const commandOptions = { timeout: 0 };

/** Connects to one server. */
export function openServer(module: RedisClientModule, options: DriverOptions, hooks: DriverHooks): Opening {
  const client = module.createClient({
    ...clientOptions(options),
    socket: { ...socketOptions(options), reconnectStrategy: false },
    commandOptions,
  });
  client.on('error', (error: Error) => hooks.lost(error));
  const driver: RedisDriver = {
    send: words => client.sendCommand(words),
    isReply: error => error instanceof module.ErrorReply,
    identify: async () => identityOf([await client.sendCommand(['INFO', 'server'])]),
    close: () => client.close(),
    destroy: () => client.destroy(),
  };
  return { driver, opened: client.connect() };
}

/** Connects to a cluster that the address is a node of. */
export function openCluster(module: RedisClientModule, options: DriverOptions, hooks: DriverHooks): Opening {
  const { host, port } = options.address;
  const cluster = module.createCluster({
    rootNodes: [{ socket: { host, port } }],
    defaults: {
      ...clientOptions(options),
      socket: { ...socketOptions(options), reconnectStrategy: options.nodeReconnectMs },
    },
    commandOptions,
  });
  cluster.on('error', (error: Error) => hooks.nodeLost(error));
  cluster.on('node-error', (error: Error) => hooks.nodeLost(error));
  cluster.on('node-ready', () => hooks.nodeReady());
  const driver: RedisDriver = {
    send: (words, key) => cluster.sendCommand(key, false, [...words]),
    isReply: error => error instanceof module.ErrorReply,
    async identify() {
      const nodes = await Promise.all(cluster.masters.map(master => cluster.nodeClient(master)));
      return identityOf(await Promise.all(nodes.map(node => node.sendCommand(['INFO', 'server']))));
    },
    close: () => cluster.close(),
    destroy: () => cluster.destroy(),
  };
  return { driver, opened: cluster.connect() };
}

function clientOptions({ address, name }: DriverOptions) {
  return {
    name,
    database: address.database,
    disableOfflineQueue: true,
    maintNotifications: 'disabled' as const,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password.reveal() }),
  };
}

function socketOptions({ address, connectTimeoutMs }: DriverOptions) {
  const { host, port } = address;
  return { host, port, connectTimeout: connectTimeoutMs, ...(address.tls ? { tls: true as const } : {}) };
}

function identityOf(infos: readonly unknown[]): ServerIdentity {
  const texts = infos.map(String);
  const field = (text: string, name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  return {
    runId: texts
      .map(text => field(text, 'run_id'))
      .sort()
      .join(' '),
    uptimeSeconds: Math.min(...texts.map(text => Number(field(text, 'uptime_in_seconds')) || 0)),
  };
}
