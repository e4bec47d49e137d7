import type { JSX } from 'preact';
import { formatCount, formatCounted } from '../format.ts';
import type { Cache, CacheTiers } from '../wire.ts';
import { Unknown } from './chip.tsx';
import { Panel } from './panel.tsx';
import type { StoreProps } from './store-props.ts';

const counts = [
  ['hits', 'Answered by an entry in memory, within its lifetime'],
  ['storeHits', 'Answered by the store that processes share'],
  ['misses', 'Nothing usable was there'],
  ['joined', 'Waited for an equal call under way'],
  ['loads', 'Values fetched and kept'],
  ['stale', 'Older values that stood in'],
  ['evictions', 'Entries that made room for others'],
] as const;

export function Caches({ store }: StoreProps): JSX.Element {
  const state = store.view.state;
  return (
    <Panel
      title="Caches"
      headline={state ? <span class="quiet">{formatCounted(state.caches.length, 'cache')}</span> : <Unknown />}
    >
      {state?.cacheTiers && <Tiers tiers={state.cacheTiers} />}
      {state?.caches.length === 0 && <p class="quiet">None yet. A cache appears with the first call.</p>}
      <ul class="rows">
        {state?.caches.map(cache => (
          <li key={cache.name} class="cache">
            <div class="cache-head">
              <span class="name">{cache.name}</span>
              <span class="cache-size">
                {formatCount(cache.entries)} of {formatCount(cache.maxEntries)} entries
              </span>
            </div>
            <HitRate cache={cache} />
            <dl class="cache-counts">
              {counts.map(([name, meaning]) => (
                <div key={name} title={meaning} class={(cache[name] ?? 0) === 0 ? 'zero' : undefined}>
                  <dt>{name === 'storeHits' ? 'store' : name}</dt>
                  <dd>{formatCount(cache[name] ?? 0)}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const tiersInWords = {
  memory: 'In the memory of this process.',
  redis: 'On Redis, shared by all processes.',
  hybrid: 'In memory, in front of Redis, which all processes share.',
} as const;

const coverageInWords = {
  tracking: 'Every change is heard of, whoever makes it.',
  announcements: 'Only changes made through this cache are heard of.',
  none: 'Nothing tells of changes: memory keeps entries for a short time only.',
} as const;

/** Where entries are, and how old what memory says can be. */
function Tiers({ tiers }: { readonly tiers: CacheTiers }): JSX.Element {
  const { coherence } = tiers;
  return (
    <div class="cache-tiers">
      <p class="quiet">
        {tiersInWords[tiers.backend]} {coherence && tiers.backend === 'hybrid' && coverageInWords[coherence.coverage]}
      </p>
      {tiers.message && <p class="cache-warning">{tiers.message}</p>}
      {coherence && tiers.backend === 'hybrid' && (
        <dl class="cache-counts">
          <div title="No read gives what was changed longer ago">
            <dt>bound</dt>
            <dd>{formatSeconds(coherence.maxStalenessMs)}</dd>
          </div>
          <div title="How long ago it was certain that every change had been heard of">
            <dt>heard</dt>
            <dd>{coherence.heardAgoMs === null ? 'never' : formatSeconds(coherence.heardAgoMs)}</dd>
          </div>
          <div title="How often everything in memory was given up, because changes may have been missed">
            <dt>given up</dt>
            <dd>{formatCount(coherence.generation)}</dd>
          </div>
        </dl>
      )}
    </div>
  );
}

function formatSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function HitRate({ cache }: { readonly cache: Cache }): JSX.Element {
  const asked = cache.hits + cache.misses + cache.joined + cache.stale > 0;
  if (!asked || cache.hitRate === null) return <p class="quiet">Hit rate unknown: nothing was looked up yet.</p>;
  const percent = `${(cache.hitRate * 100).toFixed(1)}%`;
  return (
    <div class="hit-rate">
      <div class="bar" aria-hidden="true">
        <div style={{ width: percent }} />
      </div>
      <span>
        <b>{percent}</b> hit rate
      </span>
    </div>
  );
}
