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

/** Asks the FDA's sources for medications, keeps the answers, and falls back on what was kept. */
export class MedicationService {
  readonly #fda: FDAOrangeBookScraper;
  readonly #store: AnswerStore;

  constructor(fda: FDAOrangeBookScraper, store: AnswerStore) {
    this.#fda = fda;
    this.#store = store;
  }

  /** Every product whose ingredients or trade name hold this name. Unknown names give an empty list. */
  search(name: string, signal?: AbortSignal): Promise<Medication<SearchAnswer>> {
    return this.#ask('search', name, () => this.#fda.searchDrug(name, { signal }));
  }

  /** When and under which applications a medication was approved. @throws {NotFoundError} for unknown names. */
  async approvals(name: string, signal?: AbortSignal): Promise<Medication<ApprovalAnswer>> {
    const answer = await this.#ask('approvals', name, () => this.#fda.getApprovalInfo(name, { signal }));
    if (answer.applications.length === 0) throw new NotFoundError('Medication', name);
    return answer;
  }

  async #ask<Given extends Answer>(
    question: Question,
    name: string,
    ask: () => Promise<Given>,
  ): Promise<Medication<Given>> {
    const key = name.trim().toLowerCase();
    try {
      const answer = await ask();
      const missing = answer.sources.find(source => source.status === 'failed');
      const kept = missing === undefined ? undefined : await this.#store.last<Given>(question, key);
      if (kept !== undefined) return staleAnswer(kept.answer, kept.fetchedAt, missing?.errorCode);
      const fetchedAt = oldest(answer.sources);
      await this.#store.keep(question, key, answer, { fetchedAt, complete: missing === undefined });
      const late = answer.sources.find(source => source.freshness === 'stale');
      return late === undefined
        ? { ...answer, freshness: 'fresh', fetchedAt }
        : staleAnswer(answer, fetchedAt, late.reason);
    } catch (error) {
      if (!(error instanceof FailedError || error instanceof RejectedError)) throw error;
      const kept = await this.#store.last<Given>(question, key);
      if (kept === undefined) throw error;
      return staleAnswer(kept.answer, kept.fetchedAt, error.code);
    }
  }
}

function staleAnswer<Given>(answer: Given, fetchedAt: string, reason: string | undefined): Medication<Given> {
  return { ...answer, freshness: 'stale', fetchedAt, ...(reason === undefined ? {} : { reason }) };
}

/** An answer is as old as the oldest of what was found. */
function oldest(sources: readonly SourceReport[]): string {
  const times = sources.filter(source => source.status !== 'failed').map(source => source.fetchedAt);
  return times.reduce((first, second) => (second < first ? second : first));
}
