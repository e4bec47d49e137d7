import type { ImportState } from './import-wire.ts';

/** How far an import was, and how long it had run then. */
type Point = Pick<ImportState, 'done' | 'elapsedMs'>;

interface Run {
  /** How far it was when it was first seen running. */
  readonly began: Point;
  readonly points: Point[];
}

/** Limits let a burst through before they bind: what happens so soon says nothing of what comes. */
const burstMs = 2_000;
/** The pace is measured over at least so long, and over not much more than the other. */
const shortestMs = 2_000;
const longestMs = 10_000;

/** How fast imports go now, from how far they were each time that the service told. */
export class ImportPaces {
  readonly #runs = new Map<string, Run>();

  /** Takes in how far imports are. Those that do not run begin anew when they go on. */
  note(imports: readonly ImportState[]): void {
    for (const one of imports) {
      if (one.state === 'running') this.#add(one);
      else this.#runs.delete(one.id);
    }
  }

  /** How many names an import does in a second; `undefined` while that is not known. */
  perSecond(id: string): number | undefined {
    const points = this.#runs.get(id)?.points ?? [];
    const [first, last] = [points[0], points.at(-1)];
    const spanMs = first && last ? last.elapsedMs - first.elapsedMs : 0;
    return first && last && spanMs >= shortestMs ? ((last.done - first.done) / spanMs) * 1_000 : undefined;
  }

  #add({ id, done, elapsedMs }: ImportState): void {
    const run = this.#runs.get(id);
    const last = run?.points.at(-1) ?? run?.began;
    // A time that goes back is that of another run, in another life of the service.
    if (!run || !last || elapsedMs < last.elapsedMs) {
      this.#runs.set(id, { began: { done, elapsedMs }, points: [] });
    } else if (elapsedMs - run.began.elapsedMs >= burstMs) {
      run.points.push({ done, elapsedMs });
      while (run.points[1] && elapsedMs - run.points[1].elapsedMs >= longestMs) run.points.shift();
    }
  }
}
