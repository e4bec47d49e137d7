/** One thing that every implementation of a port promises. */
export interface ContractCase<Subject> {
  /** What is promised, as the name of a test. */
  readonly name: string;
  /** Checks it on a subject that nobody else uses; rejects with an `AssertionError` when the promise is broken. */
  run(subject: Subject): Promise<void>;
}

/**
 * What a port promises, as plain data: any test runner can run it, each case on a new subject.
 *
 * @example
 * for (const { name, run } of rateLimitStoreContract) test(name, () => run(makeSubject()));
 */
export type ContractSuite<Subject> = readonly ContractCase<Subject>[];
