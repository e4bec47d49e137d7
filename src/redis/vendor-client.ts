import { NetworkError } from '../errors/index.ts';
import type { DriverHooks, DriverOptions, RedisArguments, RedisNode, RedisSender, ServerIdentity } from './driver.ts';
import type { RedisClientModule } from './load-client.ts';

/** What is used of the vendor's connection to one server. */
export interface VendorClient {
  readonly isReady: boolean;
  sendCommand(words: RedisArguments, options?: object): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
}

type VendorCache = InstanceType<RedisClientModule['BasicPooledClientSideCache']>;

/** Options of every command. The vendor's own time limit costs a timer and an AbortSignal, several times the command. */
export const commandOptions: { readonly timeout: 0 } = { timeout: 0 };

/** Options of a command whose answer shall be bytes; 36 is how RESP marks a bulk string. */
export const byteOptions: { readonly timeout: 0; readonly typeMapping: { readonly 36: typeof Buffer } } = {
  timeout: 0,
  typeMapping: { 36: Buffer },
};

/** One server behind the vendor's client, which may be replaced while a cluster lives. */
export class VendorNode implements RedisNode {
  readonly isReply: RedisSender['isReply'];
  readonly #client: () => VendorClient | undefined;

  constructor(module: RedisClientModule, client: () => VendorClient | undefined) {
    this.isReply = error => error instanceof module.ErrorReply;
    this.#client = client;
  }

  send(words: RedisArguments, _key: string | undefined, asBytes: boolean): Promise<unknown> {
    const client = this.#client();
    if (client === undefined) return Promise.reject(notConnected());
    return client.sendCommand(words, asBytes ? byteOptions : undefined);
  }

  subscribe(channel: string, heard: (message: string) => void): Promise<unknown> {
    const client = this.#client();
    if (client === undefined) return Promise.reject(notConnected());
    return client.subscribe(channel, heard);
  }
}

function notConnected(): NetworkError {
  return new NetworkError('There is no connection to this node of Redis');
}

/** The time of a server; `undefined` when it does not say, which is an answer too. */
export async function askTime(node: RedisNode): Promise<unknown> {
  try {
    return await node.send(['TIME'], undefined, false);
  } catch (error) {
    if (node.isReply(error)) return undefined;
    throw error;
  }
}

/**
 * Where the vendor's client hands over the keys that the server says have changed. It takes it for a cache of answers; as
 * commands are sent past that cache, nothing is ever in it. What switches tracking on is sent by us, when the connection
 * is ready and before anything else: in the vendor's handshake a refusal would end the connection.
 */
export function changedKeys(module: RedisClientModule, changed: DriverHooks['changed']): VendorCache {
  class ChangedKeys extends module.BasicPooledClientSideCache {
    override trackingOn(): string[] {
      return ['HELLO'];
    }

    override invalidate(key: string | Buffer | null): void {
      changed(key === null ? undefined : key.toString());
    }
  }
  return new ChangedKeys({ recordStats: false });
}

/** The vendor's options of a socket; its name for a time limit is not ours. */
export type VendorSocketOptions = Readonly<Record<'connectTimeout', number>> & {
  readonly host: string;
  readonly port: number;
  readonly tls?: true;
};

/** The vendor's options of a connection to one server. */
export interface VendorClientOptions {
  readonly name: string;
  readonly database: number;
  readonly disableOfflineQueue: true;
  readonly maintNotifications: 'disabled';
  readonly username?: string;
  readonly password?: string;
}

/** How the vendor's client is to connect to a server, apart from its socket. */
export function clientOptions({ address, name }: DriverOptions): VendorClientOptions {
  const { database, username, password } = address;
  return {
    name,
    database,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
  };
}

/** Where the vendor's client is to connect to. */
export function socketOptions({ address, connectTimeoutMs }: DriverOptions): VendorSocketOptions {
  const { host, port, tls } = address;
  return { host, port, connectTimeout: connectTimeoutMs, ...(tls ? { tls } : {}) };
}

/** Who the servers are, by what they answered to `INFO server`. */
export function identityOf(infos: readonly unknown[]): ServerIdentity {
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
