import type { StatementRunner } from './statements.ts';

/** An answer as it is kept. */
export interface KeptAnswer {
  /** The HTTP status. */
  readonly status: number;
  /** By name in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes of the body; `undefined` when it was too large to be kept, or a stream. */
  readonly body: Uint8Array | undefined;
}

/** The right to answer for a key, until its lease ends and somebody else asks. */
export interface IdempotencyClaim {
  readonly id: string;
  /** Differs with every claim: who lost the lease and comes late is known by it, and changes nothing. */
  readonly fence: string;
}

/** What {@link IdempotencyStore.claim} found. */
export type ClaimOutcome =
  | { readonly state: 'claimed'; readonly claim: IdempotencyClaim }
  /** Somebody else has the claim. */
  | { readonly state: 'running'; readonly fingerprint: string }
  /** There is an answer. */
  | { readonly state: 'done'; readonly fingerprint: string; readonly answer: KeptAnswer };

/**
 * Where idempotency keys and their answers are kept. `idempotencyStoreContract` of `plinth/testing` says what every one
 * promises.
 */
export interface IdempotencyStore {
  /** Whether an answer can become part of a transaction. @default false */
  readonly transactional?: boolean | undefined;
  /**
   * Claims an id in one step: of all who ask at the same time one gets it. An id whose lease or whose answer has expired is
   * free again.
   *
   * @param fingerprint Stands for the request; is given back to those who ask for the same id later.
   */
  claim(id: string, fingerprint: string, leaseMs: number): Promise<ClaimOutcome>;
  /**
   * Keeps the answer for `ttlMs`. A claim whose lease has ended is the caller's until somebody else asks for its id: the work
   * is done, and its answer keeps it from being done again.
   *
   * @param within The transaction that the answer becomes part of: kept if it commits, and only then.
   * @returns false when the claim is no longer the caller's; then nothing was changed.
   * @throws {ArgumentError} when the store has no transactions and was given one.
   */
  complete(claim: IdempotencyClaim, answer: KeptAnswer, ttlMs: number, within?: StatementRunner): Promise<boolean>;
  /** Makes the id free again, unless it has an answer or the claim is no longer the caller's. */
  release(claim: IdempotencyClaim): Promise<void>;
}
