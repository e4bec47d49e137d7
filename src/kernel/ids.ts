import { randomUUID } from 'node:crypto';

/** Where identifiers come from: tests give predictable ones. */
export interface Ids {
  /** A new identifier that nobody else has. */
  next(): string;
}

/** Random UUIDs, version 4 (RFC 9562). */
export const systemIds: Ids = Object.freeze({ next: () => randomUUID() });
