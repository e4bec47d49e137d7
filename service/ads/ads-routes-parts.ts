import type { Infrastructure } from 'plinth';
import type { DatabaseManager } from 'plinth/database';
import type { Clock } from 'plinth/kernel';
import type { AdsRepositoryFactory } from './ads-repositories.ts';

/** What the routes of this feature are made of. */
export interface AdsRoutesParts {
  readonly repositories: AdsRepositoryFactory;
  readonly database: Pick<DatabaseManager, 'transaction'>;
  readonly clock: Clock;
  /** Who is asked for words. */
  readonly llm: Pick<Infrastructure, 'executePrompt'>;
}
