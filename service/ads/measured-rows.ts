import { ValidationError } from 'plinth/errors';

/** Whose numbers within an owner's: of one ad, of one campaign, or of all. */
export interface MeasuredPart {
  /** @default all ads */
  readonly adId?: number | undefined;
  /** @default all campaigns */
  readonly campaignId?: number | undefined;
}

/** A condition on `p`, with its one value, if it has one, as the parameter of the given number. */
export interface PartCondition {
  readonly name: 'all' | 'ad' | 'campaign';
  readonly values: readonly number[];
}

/** Which condition a part needs. @throws {ValidationError} when both an ad and a campaign are given. */
export function conditionOf({ adId, campaignId }: MeasuredPart): PartCondition {
  if (adId !== undefined && campaignId !== undefined)
    throw new ValidationError('The part cannot be used', { campaignId: 'Expected an ad or a campaign, not both' });
  if (adId !== undefined) return { name: 'ad', values: [whole('adId', adId)] };
  return campaignId === undefined
    ? { name: 'all', values: [] }
    : { name: 'campaign', values: [whole('campaignId', campaignId)] };
}

/**
 * The rows `p` of the owner `$1` from one moment (included) to another (not included). Each form goes through an index:
 * (user_id, hour) for all, (user_id, ad_id, hour) for an ad and for the ads of a campaign.
 */
export function measuredRows(part: PartCondition['name'], from: number, to: number, value: number): string {
  const conditions = {
    all: '',
    ad: ` and p.ad_id = $${value}`,
    campaign: ` and p.ad_id = any(array(${adsOfCampaign(`$${value}`)}))`,
  };
  return `from ad_performance p where p.user_id = $1 and p.hour >= $${from}::timestamptz and p.hour < $${to}::timestamptz${conditions[part]}`;
}

/** The keys of the ads of a campaign, of the owner `$1`. */
export function adsOfCampaign(campaign: string): string {
  return `select a.id from ad_groups g join ads a on a.user_id = g.user_id and a.group_id = g.id where g.user_id = $1 and g.campaign_id = ${campaign}`;
}

function whole(field: string, value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new ValidationError('The part cannot be used', { [field]: 'Expected a whole number' });
}
