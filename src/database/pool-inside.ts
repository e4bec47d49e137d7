import type { Pool, PoolClient } from 'pg';

/** What the driver's pool does not show in its types. */
interface PoolInside {
  /** Its connections, also those that are still being made. */
  readonly _clients: readonly PoolClient[];
  /** Those of them that are not on loan. */
  readonly _idle: readonly { readonly client: PoolClient }[];
}

/** What the driver's client does not show in its types. */
interface ClientInside {
  pipeline: boolean;
  readonly connection: { readonly stream: ClientStream };
}

/** The way to the server: a socket, or what stands for one. */
export interface ClientStream {
  cork(): void;
  uncork(): void;
  destroy(): void;
  /** Closes it when what was written is on its way. */
  destroySoon?(): void;
}

/** The connections of a pool, to look at. */
export function poolInside(pool: Pool): PoolInside {
  return pool as unknown as PoolInside;
}

/** The way on which a client reaches its server. */
export function streamOf(client: PoolClient): ClientStream {
  return (client as unknown as ClientInside).connection.stream;
}

/** Whether the driver sends statements without waiting for the answer to the one before. */
export function setPipeline(client: PoolClient, isOn: boolean): void {
  (client as unknown as ClientInside).pipeline = isOn;
}
