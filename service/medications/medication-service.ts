import type { ApprovalAnswer, FDAOrangeBookScraper, SearchAnswer, SourceReport } from 'plinth/connectors/fda';
import { FailedError, NotFoundError, RejectedError } from 'plinth/errors';
import type { AnswerStore, Question } from './answer-store.ts';

/** An answer of this feature: what the sources said, or what they said the last time. */
export type Medication<Answer> = Answer & {
  /** `fresh` when every source was asked or answered from memory within its lifetime, `stale` when an older answer stands in. */
  readonly freshness: 'fresh' | 'stale';
  /** When the sources were asked, ISO 8601. */
  readonly fetchedAt: string;
  /** Why the answer is stale. */
  readonly reason?: string;
};

interface Answer {
  readonly sources: readonly SourceReport[];
}

/** What a {@link MedicationService} is made of. */
export interface MedicationServiceParts {
  readonly fda: FDAOrangeBookScraper;
  readonly store: AnswerStore;
  /** Told when an answer could not be kept or looked up. The answer is given all the same. */
  readonly onStoreFailure: (error: FailedError | RejectedError) => void;
}

/**
 * Asks the FDA's sources for medications, keeps the answers, and falls back on what was kept. The store helps when the
 * sources are away; when it is away itself, answers are given without being kept.
 */
export class MedicationService {
  readonly #parts: MedicationServiceParts;

  constructor(parts: MedicationServiceParts) {
    this.#parts = parts;
  }

  /** Every product whose ingredients or trade name hold this name. Unknown names give an empty list. */
  search(name: string, signal?: AbortSignal): Promise<Medication<SearchAnswer>> {
    return this.#ask('search', name, () => this.#parts.fda.searchDrug(name, { signal }));
  }

  /** When and under which applications a medication was approved. @throws {NotFoundError} for unknown names. */
  async approvals(name: string, signal?: AbortSignal): Promise<Medication<ApprovalAnswer>> {
    const answer = await this.knownApprovals(name, signal);
    if (answer.applications.length === 0) throw new NotFoundError('Medication', name);
    return answer;
  }

  /** The same, where an unknown name has no applications. */
  knownApprovals(name: string, signal?: AbortSignal): Promise<Medication<ApprovalAnswer>> {
    return this.#ask('approvals', name, () => this.#parts.fda.getApprovalInfo(name, { signal }));
  }

  async #ask<Given extends Answer>(
    question: Question,
    name: string,
    ask: () => Promise<Given>,
  ): Promise<Medication<Given>> {
    const key = name.trim().toLowerCase();
    const { store } = this.#parts;
    const last = () => this.#withStore(() => store.last<Given>(question, key));
    let answer: Given;
    try {
      answer = await ask();
    } catch (error) {
      const kept = isOutage(error) ? await last() : undefined;
      if (kept === undefined || !isOutage(error)) throw error;
      return staleAnswer(kept.answer, kept.fetchedAt, error.code);
    }
    const missing = answer.sources.find(source => source.status === 'failed');
    const kept = missing === undefined ? undefined : await last();
    if (kept !== undefined) return staleAnswer(kept.answer, kept.fetchedAt, missing?.errorCode);
    const fetchedAt = oldest(answer.sources);
    await this.#withStore(() => store.keep(question, key, answer, { fetchedAt, complete: missing === undefined }));
    const late = answer.sources.find(source => source.freshness === 'stale');
    return late === undefined
      ? { ...answer, freshness: 'fresh', fetchedAt }
      : staleAnswer(answer, fetchedAt, late.reason);
  }

  async #withStore<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error)) throw error;
      this.#parts.onStoreFailure(error);
      return undefined;
    }
  }
}

/** Something is away: theirs or ours. Anything else is a mistake in the question or in the program. */
function isOutage(error: unknown): error is FailedError | RejectedError {
  return error instanceof FailedError || error instanceof RejectedError;
}

function staleAnswer<Given>(answer: Given, fetchedAt: string, reason: string | undefined): Medication<Given> {
  return { ...answer, freshness: 'stale', fetchedAt, ...(reason === undefined ? {} : { reason }) };
}

/** An answer is as old as the oldest of what was found. */
function oldest(sources: readonly SourceReport[]): string {
  const times = sources.filter(source => source.status !== 'failed').map(source => source.fetchedAt);
  return times.reduce((first, second) => (second < first ? second : first));
}
