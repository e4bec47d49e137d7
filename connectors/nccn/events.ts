import type { Freshness } from 'plinth/pipeline';
import type { NccnCategory } from './nccn-types.ts';

/** What the scraper tells of itself. */
export interface NccnEvents {
  /** A page was asked for and could be read. Pages that are still kept are not told. */
  answered: {
    /** Which page it was, from a closed set: `catalogue`, `guideline`, `patients`. */
    readonly operation: NccnOperation;
    /** How long it took, in milliseconds: with the turn, retries and the answer. */
    readonly durationMs: number;
    /** How many entries or documents it had. */
    readonly records: number;
    readonly freshness: Freshness;
  };
  /** A page was asked for and could not be had or read. An older one may stand in for it. */
  failed: { readonly operation: NccnOperation; readonly error: unknown };
  /** A catalogue page no longer has the list of guidelines: its links were taken, which have no versions. */
  'menu-used': { readonly category: NccnCategory; readonly url: string; readonly records: number };
}

/** The kinds of pages, as records and metrics name them. */
export type NccnOperation = 'catalogue' | 'guideline' | 'patients';
