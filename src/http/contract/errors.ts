import { type ErrorOptions, PlinthError, ScraperError } from '../../errors/index.ts';

/**
 * An answer in which too many records cannot be read: what is left of it would pass for the whole. The records are in
 * quarantine. The `cause` is what was wrong with the first one.
 */
export class ContractError extends ScraperError {
  /** The name of the contract. */
  readonly contract: string;
  /** How many records could not be read. */
  readonly unreadable: number;
  /** How many records the answer had. */
  readonly total: number;

  constructor(
    message: string,
    facts: { readonly contract: string; readonly unreadable: number; readonly total: number },
    options: ErrorOptions = {},
  ) {
    super(message, { ...options, details: { ...facts, ...options.details } });
    this.contract = facts.contract;
    this.unreadable = facts.unreadable;
    this.total = facts.total;
  }
}

/** What is wrong with the file of a quarantine, in a word. */
export type QuarantineProblem = 'unreadable' | 'in-use' | 'not-written' | 'closed';

/** The file of a quarantine cannot be used. */
export class QuarantineError extends PlinthError {
  /** What is wrong, in a word. */
  readonly problem: QuarantineProblem;

  constructor(message: string, problem: QuarantineProblem, options: ErrorOptions = {}) {
    super(message, quarantineCodes[problem], options);
    this.problem = problem;
  }
}

const quarantineCodes = {
  unreadable: 'QUARANTINE_UNREADABLE',
  'in-use': 'QUARANTINE_IN_USE',
  'not-written': 'QUARANTINE_NOT_WRITTEN',
  closed: 'QUARANTINE_CLOSED',
} as const satisfies Record<QuarantineProblem, string>;
