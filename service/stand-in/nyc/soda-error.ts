import { ValidationError } from 'plinth/errors';

/** What SODA refuses, in the portal's words. */
export type SodaRefusal = 'no-such-column' | 'type-mismatch' | 'syntax' | 'too-complex';

/** A query that SODA refuses. It becomes an answer, and is never seen by anybody else. */
export class SodaQueryError extends ValidationError {
  readonly refusal: SodaRefusal;
  /** The column that does not exist. */
  readonly column: string | undefined;

  constructor(refusal: SodaRefusal, message: string, column?: string) {
    super(message);
    this.refusal = refusal;
    this.column = column;
  }
}
