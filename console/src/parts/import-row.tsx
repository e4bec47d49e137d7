import type { JSX } from 'preact';
import { formatCount, formatMoment } from '../format.ts';
import { importsPath } from '../import-desk.ts';
import type { ImportState } from '../import-wire.ts';
import { actionsOf, type ImportAction, importTones, paceOf, steeringWords } from '../import-words.ts';
import { Chip } from './chip.tsx';
import { ImportResults } from './import-results.tsx';
import type { StoreProps } from './store-props.ts';

const actionWords: Readonly<Record<ImportAction, string>> = { pause: 'Pause', resume: 'Resume', stop: 'Stop' };

/** One import: how far it is, and what can be done to it. */
export function ImportRow({ store, one }: StoreProps & { readonly one: ImportState }): JSX.Element {
  const { id, title, createdAt, state, total, done, failed, error } = one;
  const isOpen = store.view.imports.open?.id === id;
  const steering = store.view.imports.steering.get(id);
  return (
    <li class="import">
      <div class="import-head">
        <b class="import-title" title={`begun ${formatMoment(createdAt)}`}>
          {title}
        </b>
        {steering ? (
          <Chip tone="plain" text={steeringWords[steering]} />
        ) : (
          <Chip tone={importTones[state] ?? 'plain'} text={state} />
        )}
      </div>
      <progress max={total} value={done} aria-label={`Progress of ${title}`} />
      <p class="import-figures">
        <span>
          <b>{formatCount(done)}</b> of {formatCount(total)}
        </span>
        <span class={failed > 0 ? 'import-failed' : 'quiet'}>{formatCount(failed)} failed</span>
        {paceOf(one, store.imports.perSecond(id)).map(word => (
          <span key={word} class="quiet">
            {word}
          </span>
        ))}
      </p>
      {error && <p class="problem">{error}</p>}
      <div class="import-actions">
        <button type="button" aria-expanded={isOpen} onClick={() => void store.imports.show(isOpen ? undefined : id)}>
          {isOpen ? 'Hide results' : 'Results'}
          <span class="visually-hidden"> of {title}</span>
        </button>
        {actionsOf(one).map((action, index) => (
          <button
            key={index}
            type="button"
            aria-disabled={steering !== undefined}
            onClick={() => void store.imports.steer(id, action)}
          >
            {actionWords[action]}
            <span class="visually-hidden"> {title}</span>
          </button>
        ))}
        <a class="data" href={`${importsPath}/${encodeURIComponent(id)}`}>
          as JSON<span class="visually-hidden">, {title}</span>
        </a>
      </div>
      {isOpen && <ImportResults store={store} one={one} />}
    </li>
  );
}
