import { ValidationError } from 'plinth/errors';

/** What was counted, as sums. */
export interface Counts {
  readonly impressions: number;
  readonly clicks: number;
  readonly conversions: number;
  /** Millionths of the owner's currency. */
  readonly costMicros: number;
}

/** Sums and what follows from them. A rate is `null` where there is nothing to divide by. */
export interface Measures extends Counts {
  /** Clicks per impression. */
  readonly clickThroughRate: number | null;
  /** Conversions per click. */
  readonly conversionRate: number | null;
  /** Rounded to whole micros. */
  readonly costPerClickMicros: number | null;
  /** Rounded to whole micros. */
  readonly costPerConversionMicros: number | null;
}

/** Sums as the driver gives them: text, because they may not fit a number. */
export type CountTexts = { readonly [Name in keyof Counts]: string };

/** The sums over `p`, under their names in code. */
export const sumsOfRows = ['impressions', 'clicks', 'conversions', 'cost_micros']
  .map(column => `coalesce(sum(p.${column}), 0)::text as "${column === 'cost_micros' ? 'costMicros' : column}"`)
  .join(', ');

/** Sums with their rates. @throws {ValidationError} for a sum beyond what numbers hold exactly: it is not rounded in silence. */
export function measuresOf(texts: CountTexts): Measures {
  const impressions = wholeNumber(texts.impressions);
  const clicks = wholeNumber(texts.clicks);
  const conversions = wholeNumber(texts.conversions);
  const costMicros = wholeNumber(texts.costMicros);
  return {
    impressions,
    clicks,
    conversions,
    costMicros,
    clickThroughRate: ratio(clicks, impressions),
    conversionRate: ratio(conversions, clicks),
    costPerClickMicros: rounded(ratio(costMicros, clicks)),
    costPerConversionMicros: rounded(ratio(costMicros, conversions)),
  };
}

/** A whole number that came as text. @throws {ValidationError} beyond what numbers hold exactly. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  const advice = `It is beyond ${Number.MAX_SAFE_INTEGER}: ask for the series of shorter periods`;
  throw new ValidationError('A sum is too large to be told exactly', { sum: advice });
}

/** One part of another, or `null` of nothing. */
export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
