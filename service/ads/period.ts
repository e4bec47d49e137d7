import { ValidationError } from 'plinth/errors';
import { z } from 'zod';

/** Days in UTC, both included. */
export interface Period {
  /** The first day, such as `2026-01-01`. */
  readonly from: string;
  /** The last day, such as `2026-01-31`. */
  readonly to: string;
}

/** How wide a bucket is. Weeks begin on Mondays. */
export const bucketWidth = z.enum(['hour', 'day', 'week', 'month']);
export type BucketWidth = z.output<typeof bucketWidth>;

const dayMs = 86_400_000;
/** The longest period, in days. */
const maxDays = 3_660;
/** The longest period that is told by the hour, in days. */
const maxHourlyDays = 93;

/** Days are counted from here on: before it no ad of ours was shown. */
const firstDay = '1970-01-01';
/** The day after it is still one that SQL and JavaScript write alike. */
const lastDay = '9998-12-31';

/** A day that can be told of, as the interface takes it. */
export const knownDay: z.ZodType<string, string> = z.iso
  .date('Expected a day such as 2026-01-15')
  .refine(isKnownDay, `Expected a day from ${firstDay} to ${lastDay}`);

/** Whether a moment is within the days that can be told of. */
export function isKnownMoment(moment: Date): boolean {
  return isKnownDay(moment.toISOString().slice(0, 10));
}

/**
 * The first moment of a period and the first after it, as SQL takes them.
 *
 * @throws {ValidationError} for what are no days, an end before the beginning, or too many days.
 */
export function boundsOf({ from, to }: Period, width: BucketWidth = 'day'): readonly [string, string] {
  const problems: Record<string, string> = {};
  for (const [name, day] of Object.entries({ from, to })) {
    const [issue] = knownDay.safeParse(day).error?.issues ?? [];
    if (issue !== undefined) problems[name] = issue.message;
  }
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  const most = width === 'hour' ? maxHourlyDays : maxDays;
  if (days < 1) problems['to'] ??= 'Expected a day that is not before from';
  if (days > most) problems['to'] ??= `Expected at most ${most} days`;
  if (Object.keys(problems).length > 0) throw new ValidationError('The period cannot be used', problems);
  return [`${from}T00:00:00Z`, addDays(to, 1).concat('T00:00:00Z')];
}

/** The period of the same length that ends where this one begins. */
export function periodBefore(period: Period): Period {
  boundsOf(period);
  const days = (Date.parse(period.to) - Date.parse(period.from)) / dayMs + 1;
  return { from: addDays(period.from, -days), to: addDays(period.from, -1) };
}

/** The last days up to a moment, today included; fewer where there are no more. */
export function lastDays(days: number, now: number): Period {
  const to = new Date(now).toISOString().slice(0, 10);
  const from = addDays(to, 1 - days);
  return { from: from < firstDay ? firstDay : from, to };
}

function isKnownDay(day: string): boolean {
  return day >= firstDay && day <= lastDay;
}

function addDays(text: string, days: number): string {
  return new Date(Date.parse(text) + days * dayMs).toISOString().slice(0, 10);
}
