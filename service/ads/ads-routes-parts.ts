import type { Clock } from 'plinth/kernel';
import type { AdsRepositoryFactory } from './ads-repositories.ts';

/** What the routes of this feature are made of. */
export interface AdsRoutesParts {
  readonly repositories: AdsRepositoryFactory;
  readonly clock: Clock;
}
