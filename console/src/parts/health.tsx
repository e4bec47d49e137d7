import type { JSX } from 'preact';
import type { Tone } from '../call-kind.ts';
import { formatDuration, formatMoment } from '../format.ts';
import type { Condition } from '../wire.ts';
import { Chip, Unknown } from './chip.tsx';
import { Panel } from './panel.tsx';
import type { StoreProps } from './store-props.ts';

const tones: Readonly<Record<Condition, Tone>> = { up: 'ok', degraded: 'stale', down: 'failed' };

export function Health({ store }: StoreProps): JSX.Element {
  const state = store.view.state;
  return (
    <Panel
      title="Health"
      headline={state ? <Chip tone={tones[state.health.status]} text={state.health.status} /> : <Unknown />}
    >
      {state?.health.checks.length === 0 && <p class="quiet">No checks are registered.</p>}
      <ul class="rows">
        {state?.health.checks.map(check => (
          <li key={check.name} class="check">
            <span class="name">{check.name}</span>
            <span class="check-time">{check.durationMs === undefined ? '' : formatDuration(check.durationMs)}</span>
            <Chip tone={tones[check.status]} text={check.status} />
            {check.message && <span class="check-message">{check.message}</span>}
          </li>
        ))}
      </ul>
      {state && (
        <dl class="facts">
          <dt>Database</dt>
          <dd>{state.service.database}</dd>
          <dt>Started</dt>
          <dd title={state.service.startedAt}>{formatMoment(state.service.startedAt)}</dd>
        </dl>
      )}
    </Panel>
  );
}
