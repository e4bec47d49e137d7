import { ScraperError } from '../../errors/index.ts';

/** A part of a selector, from its beginning, and how many elements it matches. */
export interface SelectorStep {
  readonly selector: string;
  readonly matches: number;
}

/** A field that a row does not have. */
export interface MissingField {
  readonly field: string;
  /** What was looked for, and what was there. */
  readonly reason: string;
}

/** A row in which a field is missing. */
export interface IncompleteRow {
  /** Which of the rows it is, from 0. */
  readonly index: number;
  readonly missing: readonly MissingField[];
  /** The beginning of what the row shows, 200 characters at most. */
  readonly text: string;
}

/** What a {@link SelectorError} knows. */
export interface SelectorFacts {
  readonly selector: string;
  readonly found: number;
  /** How few and how many were expected. */
  readonly atLeast: number;
  readonly atMost: number;
  /** The parts of the selector up to the first that matches nothing. */
  readonly steps: readonly SelectorStep[];
  /** The commonest elements at the place where the first part that matches nothing was expected; 8 at most. */
  readonly instead: readonly SelectorStep[];
  /** The page's title, 100 characters at most. */
  readonly pageTitle: string;
  /** The page's address without its query. */
  readonly pageUrl: string;
  /** Whether the page has a password field: it may be a login page. */
  readonly asksForPassword: boolean;
  /** Rows without one of their fields; 20 at most. */
  readonly incomplete: readonly IncompleteRow[];
}

/** How many incomplete rows a message describes. */
const describedRows = 3;

/**
 * A page is not made as it was expected: the source has changed, or answered with another page. The message says which
 * part of the selector still matches, which one no longer does, and what is there instead. Never retried: the same page
 * would come again.
 */
export class SelectorError extends ScraperError {
  /** What was looked for and what was there. */
  readonly facts: SelectorFacts;

  constructor(facts: SelectorFacts) {
    super(describe(facts), { details: { ...facts } });
    this.facts = facts;
  }
}

function describe(facts: SelectorFacts): string {
  const { selector, found, steps, instead, incomplete, pageTitle, pageUrl } = facts;
  const page = `${pageTitle === '' ? 'the page without a title' : `"${pageTitle}"`} (${pageUrl})`;
  const parts =
    incomplete.length > 0
      ? [`Cannot read every row of "${shortened(selector)}" on ${page}: ${found} found`, ...rowsOf(incomplete)]
      : [`Cannot select "${shortened(selector)}" on ${page}: expected ${countOf(facts)}, found ${found}`];
  if (steps.length > 0) parts.push(listed(steps, step => `"${shortened(step.selector)}" matches ${step.matches}`));
  if (instead.length > 0) parts.push(`there: ${listed(instead, kind => `${kind.selector} (${kind.matches})`)}`);
  if (facts.asksForPassword) parts.push('the page asks for a password: it may be a login page');
  return parts.join('; ');
}

function rowsOf(rows: readonly IncompleteRow[]): string[] {
  const described = rows.slice(0, describedRows).map(({ index, missing }) => {
    return `row ${index} has no ${listed(missing, ({ field, reason }) => `${field} (${reason})`)}`;
  });
  return rows.length > describedRows ? [...described, 'and more'] : described;
}

function countOf({ atLeast, atMost }: SelectorFacts): string {
  if (atLeast === atMost) return `exactly ${atLeast}`;
  if (atMost === Number.POSITIVE_INFINITY) return `at least ${atLeast}`;
  return atLeast === 0 ? `at most ${atMost}` : `${atLeast} to ${atMost}`;
}

function listed<Item>(items: readonly Item[], describeItem: (item: Item) => string): string {
  return items.map(describeItem).join(', ');
}

function shortened(selector: string): string {
  return selector.length > 200 ? `${selector.slice(0, 200)}…` : selector;
}
