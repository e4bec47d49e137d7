import type { JSX } from 'preact';
import { formatCount, formatCounted } from '../format.ts';
import type { Cache } from '../wire.ts';
import { Unknown } from './chip.tsx';
import { Panel } from './panel.tsx';
import type { StoreProps } from './store-props.ts';

const counts = [
  ['hits', 'Answered by an entry within its lifetime'],
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
                <div key={name} title={meaning} class={cache[name] === 0 ? 'zero' : undefined}>
                  <dt>{name}</dt>
                  <dd>{formatCount(cache[name])}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </Panel>
  );
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
