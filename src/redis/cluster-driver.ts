import { NetworkError } from '../errors/index.ts';
import type { DriverHooks, DriverOptions, Opening, RedisArguments, RedisDriver, RedisNode } from './driver.ts';
import type { RedisClientModule } from './load-client.ts';
import {
  askTime,
  byteOptions,
  changedKeys,
  clientOptions,
  commandOptions,
  identityOf,
  socketOptions,
  type VendorClient,
  VendorNode,
} from './vendor-client.ts';

/** Connects to a cluster that the address is a node of. */
export function openCluster(module: RedisClientModule, options: DriverOptions, hooks: DriverHooks): Opening {
  const { host, port } = options.address;
  const cluster = module.createCluster({
    rootNodes: [{ socket: { host, port } }],
    defaults: {
      ...clientOptions(options),
      socket: { ...socketOptions(options), reconnectStrategy: options.nodeReconnectMs },
    },
    clientSideCache: changedKeys(module, hooks.changed),
    commandOptions,
  });
  const driver = new ClusterDriver(module, cluster as unknown as VendorCluster);
  cluster.on('error', (error: Error) => hooks.nodeLost(error));
  cluster.on('node-error', (error: Error) => hooks.nodeLost(error));
  cluster.on('node-ready', (address: VendorAddress) => {
    const node = driver.nodeAt(address);
    if (node !== undefined) hooks.nodeReady(node);
  });
  return { driver, opened: cluster.connect() };
}

interface VendorAddress {
  readonly host: string;
  readonly port: number;
}

interface VendorMaster extends VendorAddress {
  readonly client?: VendorClient | undefined;
}

interface VendorCluster {
  readonly masters: readonly VendorMaster[];
  nodeClient(master: VendorMaster): Promise<VendorClient>;
  sendCommand(key: string | undefined, isReadonly: boolean, words: RedisArguments, options?: object): Promise<unknown>;
  close(): Promise<void>;
  destroy(): void;
}

class ClusterDriver implements RedisDriver {
  readonly isReply: RedisNode['isReply'];
  readonly #module: RedisClientModule;
  readonly #cluster: VendorCluster;

  constructor(module: RedisClientModule, cluster: VendorCluster) {
    this.#module = module;
    this.#cluster = cluster;
    this.isReply = error => error instanceof module.ErrorReply;
  }

  send(words: RedisArguments, key: string | undefined, asBytes: boolean): Promise<unknown> {
    return this.#cluster.sendCommand(key, false, words, asBytes ? byteOptions : undefined);
  }

  nodes(): readonly RedisNode[] {
    return this.#cluster.masters.map(master => this.#nodeOf(master));
  }

  /** The master at an address. */
  nodeAt({ host, port }: VendorAddress): RedisNode | undefined {
    const master = this.#cluster.masters.find(candidate => candidate.host === host && candidate.port === port);
    return master === undefined ? undefined : this.#nodeOf(master);
  }

  async beat(): Promise<unknown> {
    const [time] = await Promise.all(this.#cluster.masters.map(master => this.#beatOf(master)));
    return time;
  }

  async identify() {
    const nodes = await Promise.all(this.#cluster.masters.map(master => this.#cluster.nodeClient(master)));
    return identityOf(await Promise.all(nodes.map(node => node.sendCommand(['INFO', 'server']))));
  }

  close(): Promise<void> {
    return this.#cluster.close();
  }

  destroy(): void {
    this.#cluster.destroy();
  }

  #nodeOf(master: VendorMaster): RedisNode {
    return new VendorNode(this.#module, () => master.client);
  }

  /** A node that is cut off from the others goes on answering, but what it would tell of changes is not what happens. */
  async #beatOf(master: VendorMaster): Promise<unknown> {
    await this.#cluster.nodeClient(master);
    const node = this.#nodeOf(master);
    const refused = (error: unknown): string => {
      if (node.isReply(error)) return '';
      throw error;
    };
    const [time, info] = await Promise.all([
      askTime(node),
      node.send(['CLUSTER', 'INFO'], undefined, false).catch(refused),
    ]);
    if (String(info).includes('cluster_state:fail'))
      throw new NetworkError('This node of Redis is cut off from its cluster');
    return time;
  }
}
