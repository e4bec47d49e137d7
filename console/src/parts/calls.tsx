import type { JSX } from 'preact';
import { callId, callKinds, kindOf, stageColumns } from '../call-kind.ts';
import { type CallFilter, shownCalls } from '../console-store.ts';
import { formatCount, formatCounted } from '../format.ts';
import { CallRow } from './call-row.tsx';
import { Glyph } from './glyph.tsx';
import type { StoreProps } from './store-props.ts';

/** The live list of guarded calls. */
export function Calls({ store }: StoreProps): JSX.Element {
  const shown = shownCalls(store.view);
  return (
    <section class="calls" id="calls" tabIndex={-1} aria-labelledby="calls-title">
      <div class="calls-head">
        <h2 id="calls-title">Guarded calls</h2>
        <Filter store={store} />
        <PauseButton store={store} />
      </div>
      {store.view.missed > 0 && (
        <p class="quiet missed">
          {formatCounted(store.view.missed, 'call')} ended while the page was not connected and cannot be listed.
        </p>
      )}
      {shown.length > 0 ? (
        <>
          <ColumnHeads />
          <ol class="call-list">
            {shown.map(record => (
              <CallRow key={callId(record)} record={record} onToggle={open => store.keep(record, open)} />
            ))}
          </ol>
        </>
      ) : (
        <Empty store={store} />
      )}
    </section>
  );
}

function ColumnHeads(): JSX.Element {
  return (
    <div class="column-heads" aria-hidden="true">
      <span>ended, took</span>
      <span>call and key</span>
      <span>result</span>
      <span class="stages">
        {stageColumns.map(({ title, duty }) => (
          <span key={title} title={duty}>
            {title}
          </span>
        ))}
      </span>
    </div>
  );
}

function Filter({ store }: StoreProps): JSX.Element {
  const counts = new Map<CallFilter, number>([['all', store.view.calls.length]]);
  for (const record of store.view.calls) counts.set(kindOf(record), (counts.get(kindOf(record)) ?? 0) + 1);
  const choices: readonly CallFilter[] = ['all', ...callKinds];
  const isWhole = store.view.calls.length >= (store.view.state?.totals.calls ?? 0);
  return (
    <fieldset class="filter">
      <legend class="visually-hidden">Show calls that ended</legend>
      {choices.map(choice => (
        <label key={choice} class={`choice choice-${choice}`}>
          <input
            type="radio"
            name="filter"
            value={choice}
            checked={store.view.filter === choice}
            onChange={() => store.update({ filter: choice })}
          />
          <span>
            {choice !== 'all' && <Glyph name={choice} />}
            {choice === 'all' && !isWhole ? 'last' : choice} <b>{formatCount(counts.get(choice) ?? 0)}</b>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function PauseButton({ store }: StoreProps): JSX.Element {
  const paused = store.view.paused;
  return (
    <button type="button" class={paused ? 'pause paused' : 'pause'} onClick={() => store.togglePause()}>
      <Glyph name={paused ? 'play' : 'pause'} />
      {paused ? `Resume, ${formatCount(store.view.heldBack)} new` : 'Pause'}
    </button>
  );
}

function Empty({ store }: StoreProps): JSX.Element {
  if (store.view.state === undefined) return <p class="empty">Waiting for the service…</p>;
  if (store.view.calls.length > 0) {
    return (
      <div class="empty">
        <p>
          None of the {formatCounted(store.view.calls.length, 'call')} here ended as <b>{store.view.filter}</b>.
        </p>
        <button type="button" onClick={() => store.update({ filter: 'all' })}>
          Show all
        </button>
      </div>
    );
  }
  return (
    <div class="empty">
      <p>
        <b>No guarded calls yet.</b>
      </p>
      <p>
        Press <b>Ask once</b> above: each question to an outside source appears here when it ends, with what every stage
        decided. Then press <b>Ask 50 times at once</b> and see how few of them reach the source.
      </p>
    </div>
  );
}
