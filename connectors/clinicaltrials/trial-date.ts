/** How exactly a date is known; `unknown` when it is none that can be read, and only its text is there. */
export type DatePrecision = 'day' | 'month' | 'year' | 'unknown';

/** A date of a study. */
export interface TrialDate {
  /** `YYYY-MM-DD`, `YYYY-MM` or `YYYY`, as the source has it: a month is no first day of it. */
  readonly date: string;
  readonly precision: DatePrecision;
  /** Whether it has come; `null` when the record does not say, as old ones do not. */
  readonly type: 'ACTUAL' | 'ESTIMATED' | null;
}

/** An age as it is registered. */
export interface TrialAge {
  /** In years, a part of one for months, weeks, days, hours and minutes; `null` when the text cannot be read. */
  readonly years: number | null;
  /** Such as `18 Years` or `6 Months`. */
  readonly text: string;
}

const precisions = { 4: 'year', 7: 'month', 10: 'day' } as const;

/** How exactly a text says a day of the calendar. */
export function calendarDate(text: string): DatePrecision {
  const [, year, month = '01', day = '01'] = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(text) ?? [];
  if (year === undefined) return 'unknown';
  const instant = new Date(`${year}-${month}-${day}T00:00:00Z`);
  // February 30 is a date to some parsers, and March 1 to others.
  if (Number.isNaN(instant.getTime()) || instant.getUTCDate() !== Number(day)) return 'unknown';
  return precisions[text.length as keyof typeof precisions];
}

const perYear: Readonly<Record<string, number>> = {
  year: 1,
  month: 12,
  week: 365.25 / 7,
  day: 365.25,
  hour: 365.25 * 24,
  minute: 365.25 * 24 * 60,
};

/** An age of the form `18 Years`. */
export function parseAge(text: string): TrialAge {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(year|month|week|day|hour|minute)s?$/i.exec(text.trim()) ?? [];
  const divisor = unit === undefined ? undefined : perYear[unit.toLowerCase()];
  return { years: divisor === undefined ? null : Number(amount) / divisor, text };
}
