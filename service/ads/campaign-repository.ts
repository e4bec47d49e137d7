import { type ChangeOptions, Repository, type RepositoryOptions, type RepositorySource, type Row } from 'plinth/crud';
import { prepareStatement } from 'plinth/database';
import { NotFoundError } from 'plinth/errors';
import { adsOfCampaign } from './measured-rows.ts';
import { wholeNumber } from './measures.ts';
import { type ForOwner, OwnerStatements } from './owner-statements.ts';
import { campaigns } from './tables.ts';

/** What may be spent on a campaign and what was. */
export interface CampaignBudget {
  /** `null` without a limit. */
  readonly budgetMicros: number | null;
  readonly spentMicros: number;
  /** `null` without a limit; never below 0. */
  readonly remainingMicros: number | null;
}

const budgetOf = prepareStatement(
  `select c.budget_micros::text as "budgetMicros", (
      select coalesce(sum(p.cost_micros), 0)::text from ad_performance p
      where p.user_id = $1 and p.ad_id = any(array(${adsOfCampaign('$2')}))
    ) as "spentMicros"
    from campaigns c where c.user_id = $1 and c.id = $2`,
  { reads: true },
);

/** Campaigns of their owners. What is paused here is not served below, whatever the state of groups and ads. */
export class CampaignRepository extends Repository<typeof campaigns> {
  readonly #statements: OwnerStatements;

  constructor(source: RepositorySource, options?: RepositoryOptions) {
    super(campaigns, source, options);
    this.#statements = new OwnerStatements(source);
  }

  /** A campaign of an owner. @throws {NotFoundError} when this owner has no such campaign. */
  async getById(id: number, { userId }: ForOwner): Promise<Row<typeof campaigns>> {
    return this.#found(id, await this.ownedBy(userId).findById(id));
  }

  /** Stops serving all ads of a campaign. Their own states stay, for the day it goes on. */
  async pause(id: number, options?: ChangeOptions): Promise<Row<typeof campaigns>> {
    return await this.#setStatus(id, 'paused', options);
  }

  /** Serves the ads of a campaign again, except those that are paused themselves or by their group. */
  async activate(id: number, options?: ChangeOptions): Promise<Row<typeof campaigns>> {
    return await this.#setStatus(id, 'active', options);
  }

  /** What may be spent on a campaign, and what was so far. @throws {NotFoundError} when there is no such campaign. */
  async budget(id: number): Promise<CampaignBudget> {
    type BudgetRow = { readonly budgetMicros: string | null; readonly spentMicros: string };
    const [row] = await this.#statements.all<BudgetRow>(budgetOf, [id]);
    const { budgetMicros, spentMicros } = this.#found(id, row);
    const spent = wholeNumber(spentMicros);
    if (budgetMicros === null) return { budgetMicros, spentMicros: spent, remainingMicros: null };
    const budget = wholeNumber(budgetMicros);
    return { budgetMicros: budget, spentMicros: spent, remainingMicros: Math.max(0, budget - spent) };
  }

  async #setStatus(id: number, status: 'active' | 'paused', options?: ChangeOptions): Promise<Row<typeof campaigns>> {
    this.#statements.requireOwner();
    return this.#found(id, await this.update(id, { status }, options));
  }

  #found<Value>(id: number, value: Value | undefined): Value {
    if (value === undefined) throw new NotFoundError(this.table.resource, id);
    return value;
  }
}
