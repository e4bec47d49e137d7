import { type RepositoryDatabase, RepositoryFactory, type RepositoryOptions } from 'plinth/crud';
import { AdsRepository } from './ads-repository.ts';
import { AnalyticsRepository } from './analytics-repository.ts';
import { CampaignRepository } from './campaign-repository.ts';
import { GroupRepository } from './group-repository.ts';
import { OptimizationRepository } from './optimization-repository.ts';
import { PerformanceRepository } from './performance-repository.ts';

/** A repository as the factory gives it: it is asked with an owner, or it does not compile, and does not run either. */
export type OwnerFirst<Given, Named extends keyof Given = never> = Pick<Given, ('ownedBy' & keyof Given) | Named>;

/**
 * Makes the repositories of the ads domain, each once. What it gives can only be asked for an owner: by methods that
 * take one, or after `ownedBy(userId)`, which knows the rows of this owner only.
 *
 * @example
 * const factory = new AdsRepositoryFactory(database);
 * const ad = await factory.createAdsRepository().getById(123, { userId });
 * const campaigns = factory.createCampaignRepository().ownedBy(userId);
 */
export class AdsRepositoryFactory {
  readonly #repositories: RepositoryFactory;

  constructor(database: RepositoryDatabase, options?: RepositoryOptions) {
    this.#repositories = new RepositoryFactory(database, options);
  }

  /** Ads, what is served, and what an owner has in all. */
  createAdsRepository(): OwnerFirst<AdsRepository, 'getById' | 'getUserStats'> {
    return this.#repositories.create(AdsRepository);
  }

  /** Campaigns. */
  createCampaignRepository(): OwnerFirst<CampaignRepository, 'getById'> {
    return this.#repositories.create(CampaignRepository);
  }

  /** Groups of ads. */
  createGroupRepository(): OwnerFirst<GroupRepository, 'getById'> {
    return this.#repositories.create(GroupRepository);
  }

  /** What was counted, by the hour. */
  createPerformanceRepository(): OwnerFirst<PerformanceRepository> {
    return this.#repositories.create(PerformanceRepository);
  }

  /** What the numbers say. */
  createAnalyticsRepository(): OwnerFirst<AnalyticsRepository> {
    return this.#repositories.create(AnalyticsRepository);
  }

  /** Suggestions. */
  createOptimizationRepository(): OwnerFirst<OptimizationRepository, 'getById'> {
    return this.#repositories.create(OptimizationRepository);
  }
}
