import type { Drift } from './drift.ts';

/** What a {@link ResponseContract} tells. */
export interface ContractEvents {
  /** The source sends something else than the recorded shape says. Once for each difference, until a shape is accepted. */
  drift: Drift & { readonly contract: string; readonly url: string };
  /** A record could not be read, and is in quarantine. */
  quarantined: {
    readonly contract: string;
    readonly id: string;
    readonly url: string;
    /** The message of the reader's error. */
    readonly error: string;
    /** Where in the record, when the reader says so. */
    readonly path: string | undefined;
  };
  /** The quarantine did not take records in: nobody but the caller of `read` has them. */
  'quarantine-failed': { readonly contract: string; readonly records: number; readonly error: unknown };
}
