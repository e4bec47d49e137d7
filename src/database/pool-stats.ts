/** How many connections there are, and what they do. */
export interface PoolStats {
  /** Connections that are open. */
  readonly total: number;
  /** Of these, the ones that wait for work. */
  readonly idle: number;
  /** Of these, the ones on loan. */
  readonly active: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}
