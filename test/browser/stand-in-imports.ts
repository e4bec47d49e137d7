import type { ImportResult, ImportState } from '../../console/src/import-wire.ts';

/** Imports that come further only when a test says so. Names that begin with `broken` fail, those that begin with `unknown` have no applications. */
export class StandInImports {
  readonly #imports = new Map<string, { readonly names: readonly string[]; state: ImportState }>();

  list(): readonly ImportState[] {
    return [...this.#imports.values()].map(({ state }) => state).reverse();
  }

  begin(names: readonly string[]): ImportState {
    const id = `import-${this.#imports.size + 1}`;
    const state: ImportState = {
      id,
      title: names.slice(0, 2).join(', '),
      createdAt: new Date().toISOString(),
      state: 'running',
      total: names.length,
      done: 0,
      failed: 0,
      recorded: 0,
      active: 1,
      ratePerSecond: 0,
      elapsedMs: 0,
      etaMs: null,
    };
    this.#imports.set(id, { names, state });
    return state;
  }

  /** So many names of every running import get their result. */
  advance(names: number): void {
    for (const one of this.#imports.values()) {
      const { state, total } = one.state;
      if (state !== 'running') continue;
      const done = Math.min(total, one.state.done + names);
      one.state = {
        ...one.state,
        done,
        failed: one.names.slice(0, done).filter(isBroken).length,
        ratePerSecond: 2.94,
        elapsedMs: done * 340,
        etaMs: done === total ? 0 : (total - done) * 340,
        state: done === total ? 'completed' : 'running',
      };
    }
  }

  /** `undefined` when there is no such import. */
  steer(id: string, action: string): ImportState | undefined {
    const one = this.#imports.get(id);
    if (!one) return undefined;
    const states = { pause: 'paused', resume: 'running', stop: 'stopped' } as const;
    one.state = { ...one.state, state: states[action as keyof typeof states] };
    return one.state;
  }

  results(id: string, offset: number, limit: number): readonly ImportResult[] | undefined {
    const one = this.#imports.get(id);
    return one?.names
      .slice(0, one.state.done)
      .map(resultOf)
      .slice(offset, offset + limit);
  }

  forget(): void {
    this.#imports.clear();
  }
}

function isBroken(name: string): boolean {
  return name.startsWith('broken');
}

function resultOf(name: string, index: number): ImportResult {
  const common = { index, name, recorded: false };
  if (isBroken(name)) {
    return { ...common, ok: false, error: { code: 'SOURCES_UNAVAILABLE', message: 'No source could answer' } };
  }
  const firstApproval = { applicationNumber: 'NDA208065', date: '2015-11-13' };
  const found = name.startsWith('unknown')
    ? { applications: 0, firstApproval: null }
    : { applications: 1, firstApproval };
  return { ...common, ok: true, value: { ...found, freshness: 'fresh', fetchedAt: new Date().toISOString() } };
}
