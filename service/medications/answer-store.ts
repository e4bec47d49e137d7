import type { DatabaseManager } from 'plinth/database';
import { RejectedError } from 'plinth/errors';
import { type Clock, SingleFlight } from 'plinth/kernel';

/** The questions that are kept. */
export type Question = 'search' | 'approvals';

/** The rows of this feature. */
export interface MedicationTables {
  medication_answers: {
    question: Question;
    name: string;
    fetched_at: Date;
    stored_at: Date;
    complete: boolean;
    answer: unknown;
  };
}

/** An answer as it was kept. */
export interface StoredAnswer<Answer> {
  readonly answer: Answer;
  /** When the sources were asked, ISO 8601. */
  readonly fetchedAt: string;
}

/** How many answers are remembered as written, so that they are not written again. */
const rememberedWrites = 1_000;

/** What an {@link AnswerStore} is made of. */
export interface AnswerStoreOptions {
  /** Whether the tables are there. Until then reads and writes are refused: nobody waits for what may not come. */
  readonly isOpen: () => boolean;
  readonly clock: Clock;
}

/** Keeps the last answer to each question in SQL, with the time it was fetched, for the day the sources are away. */
export class AnswerStore {
  readonly #database: DatabaseManager<MedicationTables>;
  readonly #isOpen: () => boolean;
  readonly #clock: Clock;
  readonly #writes = new SingleFlight<string, void>();
  readonly #written = new Map<string, string>();

  constructor(database: DatabaseManager<MedicationTables>, options: AnswerStoreOptions) {
    this.#database = database;
    this.#isOpen = options.isOpen;
    this.#clock = options.clock;
  }

  /**
   * Keeps an answer. The same answer is written once, however many ask for it at the same time; an answer in which a
   * source is missing does not replace a complete one.
   */
  async keep(
    question: Question,
    name: string,
    answer: unknown,
    facts: { fetchedAt: string; complete: boolean },
  ): Promise<void> {
    const id = `${question} ${name}`;
    const version = `${facts.fetchedAt} ${facts.complete}`;
    if (this.#written.get(id) === version) return;
    await this.#writes.run(`${id} ${version}`, () => this.#write(question, name, answer, facts));
    this.#written.delete(id);
    this.#written.set(id, version);
    for (const oldest of this.#written.keys()) {
      if (this.#written.size <= rememberedWrites) break;
      this.#written.delete(oldest);
    }
  }

  /** The last answer that was kept, if there is one. @throws {RejectedError} while the tables are not open */
  async last<Answer>(question: Question, name: string): Promise<StoredAnswer<Answer> | undefined> {
    this.#requireOpen();
    const row = await this.#database.db
      .selectFrom('medication_answers')
      .select(['answer', 'fetched_at'])
      .where('question', '=', question)
      .where('name', '=', name)
      .executeTakeFirst();
    // The column holds what `keep` was given for the same question.
    return row === undefined ? undefined : { answer: row.answer as Answer, fetchedAt: row.fetched_at.toISOString() };
  }

  async #write(
    question: Question,
    name: string,
    answer: unknown,
    facts: { fetchedAt: string; complete: boolean },
  ): Promise<void> {
    const values = {
      fetched_at: new Date(facts.fetchedAt),
      stored_at: new Date(this.#clock.now()),
      complete: facts.complete,
      answer: JSON.stringify(answer),
    };
    this.#requireOpen();
    await this.#database.db
      .insertInto('medication_answers')
      .values({ question, name, ...values })
      .onConflict(conflict =>
        conflict
          .columns(['question', 'name'])
          .doUpdateSet(values)
          .where(({ eb, ref }) => eb.or([eb(ref('medication_answers.complete'), '=', false), eb.val(facts.complete)])),
      )
      .execute();
  }

  #requireOpen(): void {
    if (!this.#isOpen()) throw new RejectedError('The tables are not open yet', 'closed');
  }
}
