import { defineTable } from 'plinth/crud';
import { z } from 'zod';
import { isKnownMoment } from './period.ts';

/** Whether something runs. What is archived is kept for its numbers. */
export const runStatus = z.enum(['active', 'paused', 'archived']);

/**
 * Money in millionths of the owner's currency, as whole numbers: exact up to nine billion. One row holds at most a
 * million, so that sums stay exact, too.
 */
export const micros = z.int().min(0).max(1_000_000_000_000);

/** How often something was counted within an hour. */
export const counted = z.int().min(0).max(1_000_000_000);

const name = z.string().trim().min(1).max(200);
const stamps = { createdAt: z.date(), updatedAt: z.date(), version: z.int() };
const stamped = {
  createdAt: { generated: 'now', filterable: true, sortable: true },
  updatedAt: { generated: 'updated' },
} as const;

/** Campaigns: what an owner wants to reach, and for how much. */
export const campaigns = defineTable({
  name: 'campaigns',
  schema: z.object({
    id: z.int(),
    userId: z.uuid(),
    name,
    status: runStatus.default('active'),
    budgetMicros: micros.nullable(),
    ...stamps,
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    name: { filterable: true, sortable: true, searchable: true },
    status: { filterable: true },
    ...stamped,
  },
  version: 'version',
  owner: 'userId',
});

/** Groups of ads within a campaign. A group stays in its campaign. */
export const adGroups = defineTable({
  name: 'ad_groups',
  schema: z.object({
    id: z.int(),
    userId: z.uuid(),
    campaignId: z.int(),
    name,
    status: runStatus.default('active'),
    ...stamps,
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    campaignId: { filterable: true, immutable: true },
    name: { filterable: true, sortable: true, searchable: true },
    status: { filterable: true },
    ...stamped,
  },
  version: 'version',
  owner: 'userId',
});

/** Ads. An ad stays in its group, so that its numbers stay where they were counted. */
export const ads = defineTable({
  name: 'ads',
  schema: z.object({
    id: z.int(),
    userId: z.uuid(),
    groupId: z.int(),
    headline: name,
    landingUrl: z.url({ protocol: /^https?$/, error: 'Expected an address with http or https' }).max(2_000),
    status: runStatus.default('active'),
    ...stamps,
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    groupId: { filterable: true, immutable: true },
    headline: { filterable: true, sortable: true, searchable: true },
    status: { filterable: true },
    ...stamped,
  },
  version: 'version',
  owner: 'userId',
});

/** What was counted of an ad within an hour. `hour` is its beginning; what is known by day only is in the first hour. */
export const adPerformance = defineTable({
  name: 'ad_performance',
  resource: 'Performance',
  schema: z.object({
    id: z.int(),
    userId: z.uuid(),
    adId: z.int(),
    hour: z
      .date()
      .refine(isKnownMoment, 'Expected a moment from 1970 to 9998')
      .refine(date => date.getTime() % 3_600_000 === 0, 'Expected the beginning of an hour'),
    impressions: counted.default(0),
    clicks: counted.default(0),
    conversions: counted.default(0),
    costMicros: micros.default(0),
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    adId: { filterable: true, immutable: true },
    hour: { filterable: true, sortable: true, immutable: true },
  },
  owner: 'userId',
});

/** What can be suggested. */
export const optimizationKind = z.enum(['low-click-through', 'spend-without-conversion', 'budget-exhausted']);

/** Suggestions to pause an ad, or a campaign where there is no ad. Only `accept` and `dismiss` decide them. */
export const optimizations = defineTable({
  name: 'optimizations',
  schema: z.object({
    id: z.int(),
    userId: z.uuid(),
    campaignId: z.int(),
    adId: z.int().nullable(),
    kind: optimizationKind,
    status: z.enum(['open', 'accepted', 'dismissed']),
    facts: z.record(z.string(), z.number()),
    createdAt: z.date(),
    decidedAt: z.date().nullable(),
  }),
  columns: {
    id: { key: true, generated: 'identity' },
    campaignId: { filterable: true, immutable: true },
    adId: { filterable: true, immutable: true },
    kind: { filterable: true, immutable: true },
    status: { generated: 'database', filterable: true },
    createdAt: { generated: 'now', filterable: true, sortable: true },
    decidedAt: { generated: 'database' },
  },
  owner: 'userId',
});

/** All tables of this feature. */
export const adsTables = [campaigns, adGroups, ads, adPerformance, optimizations] as const;
