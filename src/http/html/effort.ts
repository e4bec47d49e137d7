import { ScraperError } from '../../errors/index.ts';

/** How many steps reading one page may take: about half a second. */
const maxSteps = 400_000_000;

/** Counts the steps that grow faster than a page does, so that no page takes longer than its size explains. */
export class Effort {
  #steps = 0;

  /** @throws {ScraperError} when there have been too many. */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > maxSteps) throw tooMuch('effort', 'costs more effort to read than any page of its size should');
  }
}

/** Which bound a page exceeds. */
type Bound = 'characters' | 'elements' | 'siblings' | 'depth' | 'effort';

/** The error of a page beyond one of its bounds. */
export function tooMuch(limit: Bound, what: string): ScraperError {
  return new ScraperError(`Cannot read the page: it ${what}`, { details: { limit } });
}
