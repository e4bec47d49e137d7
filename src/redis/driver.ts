import type { RedisAddress } from './address.ts';

/** The words of a command. */
export type RedisArguments = readonly (string | Buffer)[];

/** Which server answers: another run id is another process, which may hold nothing of what the last one held. */
export interface ServerIdentity {
  /** Run id of the server; of a cluster, those of all its masters. */
  readonly runId: string;
  /** Whole seconds since it was started; of a cluster, since the youngest master was. */
  readonly uptimeSeconds: number;
}

/** Something that commands can be sent by. */
export interface RedisSender {
  /**
   * Sends a command. A cluster is asked at the node of the key.
   *
   * @param asBytes Whether what would be text in the answer shall be `Buffer`s.
   */
  send(words: RedisArguments, key: string | undefined, asBytes: boolean): Promise<unknown>;
  /** Whether an error is the server's answer, and not the lack of one. */
  isReply(error: unknown): boolean;
}

/** The connection to one server: to the only one, or to one node of a cluster. */
export interface RedisNode extends RedisSender {
  /** Listens to a channel, also after the connection was made anew. The same listener is only called once. */
  subscribe(channel: string, heard: (message: string) => void): Promise<unknown>;
}

/** One connection as a {@link RedisConnection} uses it: a single server, or a cluster behind one face. */
export interface RedisDriver extends RedisSender {
  /** The servers that keys are on. Those that are not connected refuse what is sent. */
  nodes(): readonly RedisNode[];
  /** Asks every server that keys are on for the time; gives what the first one says when the last one has answered. */
  beat(): Promise<unknown>;
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
  /** A server has been connected to, again or for the first time, and nothing has been sent to it yet. */
  nodeReady(node: RedisNode): void;
  /** A key that is tracked has changed; `undefined`: all of them. */
  changed(key: string | undefined): void;
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

/** A way to connect. */
export type OpenDriver = (options: DriverOptions, hooks: DriverHooks) => Opening;
