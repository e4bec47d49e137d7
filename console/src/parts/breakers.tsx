import type { JSX } from 'preact';
import type { Tone } from '../call-kind.ts';
import { formatCount, formatSpan } from '../format.ts';
import type { Breaker } from '../wire.ts';
import { Chip, Unknown } from './chip.tsx';
import { Panel } from './panel.tsx';
import type { StoreProps } from './store-props.ts';

const tones: Readonly<Record<Breaker['state'], Tone>> = { closed: 'ok', 'half-open': 'stale', open: 'refused' };

const meanings: Readonly<Record<Breaker['state'], string>> = {
  closed: 'Calls go through',
  'half-open': 'A trial call finds out whether the source is back',
  open: 'Calls are refused until the wait is over',
};

const mostPips = 12;

export function Breakers({ store }: StoreProps): JSX.Element {
  const state = store.view.state;
  return (
    <Panel title="Breakers" headline={state ? <Summary breakers={state.breakers} /> : <Unknown />}>
      {state?.breakers.length === 0 && <p class="quiet">None yet. A breaker appears with the first call.</p>}
      <ul class="rows">
        {state?.breakers.map(breaker => (
          <li key={breaker.name} class="breaker">
            <span class="name">{breaker.name}</span>
            <Chip tone={tones[breaker.state]} text={breaker.state} title={meanings[breaker.state]} />
            <span class="breaker-failures">
              <Pips breaker={breaker} />
              {formatCount(breaker.failures)} of {formatCount(breaker.failureThreshold)} failures
            </span>
            {breaker.retryInMs !== undefined && breaker.state === 'open' && (
              <span class="breaker-retry">
                {retryText(breaker.retryInMs - (store.view.now - state.receivedAt), store.view.link.kind === 'live')}
              </span>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The worst that any breaker says. */
function Summary({ breakers }: { readonly breakers: readonly Breaker[] }): JSX.Element | null {
  if (breakers.length === 0) return null;
  for (const worst of ['open', 'half-open'] as const) {
    const count = breakers.filter(({ state }) => state === worst).length;
    if (count > 0) return <Chip tone={tones[worst]} text={`${count} ${worst}`} />;
  }
  return <Chip tone="ok" text="all closed" />;
}

function retryText(remainingMs: number, live: boolean): string {
  if (!live) return 'next try unknown';
  return remainingMs > 0 ? `next try in ${formatSpan(Math.ceil(remainingMs / 1_000) * 1_000)}` : 'next call is a try';
}

function Pips({ breaker }: { readonly breaker: Breaker }): JSX.Element | null {
  if (breaker.failureThreshold > mostPips) return null;
  return (
    <span class="pips" aria-hidden="true">
      {Array.from({ length: breaker.failureThreshold }, (_, index) => (
        <i key={index} class={index < breaker.failures ? 'pip filled' : 'pip'} />
      ))}
    </span>
  );
}
