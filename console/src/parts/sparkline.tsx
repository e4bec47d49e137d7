import type { JSX } from 'preact';
import { formatCount } from '../format.ts';
import type { StoreProps } from './store-props.ts';

const height = 32;

/** Calls per second over the last minute. Seconds about which nothing is known are shaded, not zero. */
export function Sparkline({ store }: StoreProps): JSX.Element {
  const history = store.view.rate;
  const known = history.filter(count => count !== undefined);
  const peak = Math.max(0, ...known);
  const latest = history.at(-1);
  const now = latest === undefined ? 'unknown' : formatCount(latest);
  const label =
    known.length === 0
      ? 'Calls per second: not known yet'
      : `Calls per second over the last minute: now ${now}, at most ${formatCount(peak)}`;
  return (
    <figure class="pulse">
      <figcaption>
        <span>calls per second</span>
        <span class="pulse-figures" aria-hidden="true">
          <b class={latest === undefined ? 'unknown' : undefined}>{now}</b>
          {known.length > 0 && <span class="pulse-peak">peak {formatCount(peak)}</span>}
        </span>
      </figcaption>
      <svg viewBox={`0 0 ${history.length} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
        <path class="pulse-unknown" d={drawUnknown(history)} />
        <path class="pulse-bars" d={drawBars(history, Math.max(peak, 1))} />
      </svg>
      <div class="pulse-scale" aria-hidden="true">
        <span>60 s ago</span>
        <span>now</span>
      </div>
    </figure>
  );
}

function drawBars(history: readonly (number | undefined)[], peak: number): string {
  const bars = history.map((count, second) => {
    if (count === undefined) return '';
    // A quiet second keeps a hairline, so that it differs from an unknown one.
    const size = Math.max(0.8, (count / peak) * height);
    return `M${second + 0.1} ${height}v${-size.toFixed(2)}h.8v${size.toFixed(2)}z`;
  });
  return bars.join('');
}

function drawUnknown(history: readonly (number | undefined)[]): string {
  return history.map((count, second) => (count === undefined ? `M${second} 0h1v${height}h-1z` : '')).join('');
}
