import type { JSX } from 'preact';
import { formatCount } from '../format.ts';
import type { Totals } from '../wire.ts';
import { Glyph, type GlyphName } from './glyph.tsx';
import { Sparkline } from './sparkline.tsx';
import type { StoreProps } from './store-props.ts';

interface Figure {
  readonly name: keyof Totals;
  readonly label: string;
  readonly meaning: string;
  readonly glyph?: GlyphName;
}

const figures: readonly Figure[] = [
  { name: 'calls', label: 'guarded calls', meaning: 'All guarded calls since the service was started' },
  { name: 'ok', label: 'ok', meaning: 'Calls that ended with a value', glyph: 'ok' },
  { name: 'stale', label: 'stale', meaning: 'Calls that an older value answered', glyph: 'stale' },
  { name: 'rejected', label: 'refused', meaning: 'Calls that we refused: no failure of the source', glyph: 'refused' },
  { name: 'failed', label: 'failed', meaning: 'Calls that the source failed', glyph: 'failed' },
  { name: 'upstreamCalls', label: 'upstream calls', meaning: 'How many times a source was really asked' },
];

/** The figures of the whole service, and its pulse. */
export function Readout({ store }: StoreProps): JSX.Element {
  const totals = store.view.state?.totals;
  return (
    <section class="readout" aria-label="Totals since the service was started">
      <dl>
        {figures.map(({ name, label, meaning, glyph }) => (
          <div key={name} class={`figure figure-${name}${totals?.[name] === 0 ? ' zero' : ''}`} title={meaning}>
            <dt>
              {glyph && <Glyph name={glyph} />}
              {label}
            </dt>
            <dd>{totals ? formatCount(totals[name]) : <span class="unknown">–</span>}</dd>
          </div>
        ))}
      </dl>
      <Sparkline store={store} />
    </section>
  );
}
