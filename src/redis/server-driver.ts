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

/** Connects to one server. */
export function openServer(module: RedisClientModule, options: DriverOptions, hooks: DriverHooks): Opening {
  const client = module.createClient({
    ...clientOptions(options),
    socket: { ...socketOptions(options), reconnectStrategy: false },
    clientSideCache: changedKeys(module, hooks.changed),
    commandOptions,
  });
  client.on('error', (error: Error) => hooks.lost(error));
  const driver = new ServerDriver(module, client as unknown as VendorConnection);
  client.on('ready', () => hooks.nodeReady(driver.node));
  return { driver, opened: client.connect() };
}

interface VendorConnection extends VendorClient {
  withCommandOptions(options: object): VendorClient;
  close(): Promise<void>;
  destroy(): void;
}

class ServerDriver implements RedisDriver {
  readonly node: RedisNode;
  readonly isReply: RedisNode['isReply'];
  readonly #client: VendorConnection;
  // The same connection: options that are given to each command cost as much as a third of the command.
  readonly #byteClient: VendorClient;

  constructor(module: RedisClientModule, client: VendorConnection) {
    this.#client = client;
    this.#byteClient = client.withCommandOptions(byteOptions);
    this.node = new VendorNode(module, () => client);
    this.isReply = this.node.isReply;
  }

  send(words: RedisArguments, _key: string | undefined, asBytes: boolean): Promise<unknown> {
    return (asBytes ? this.#byteClient : this.#client).sendCommand(words);
  }

  nodes(): readonly RedisNode[] {
    return [this.node];
  }

  beat(): Promise<unknown> {
    return askTime(this.node);
  }

  async identify() {
    return identityOf([await this.#client.sendCommand(['INFO', 'server'])]);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  destroy(): void {
    this.#client.destroy();
  }
}
