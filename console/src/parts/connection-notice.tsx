import type { JSX } from 'preact';
import { formatTimeOfDay } from '../format.ts';
import { Glyph } from './glyph.tsx';
import type { StoreProps } from './store-props.ts';

/** Says that what is on the page is not the present, for as long as it is not. */
export function ConnectionNotice({ store }: StoreProps): JSX.Element | null {
  const link = store.view.link;
  if (link.kind !== 'lost') return null;
  const waitSeconds = Math.ceil((link.retryAt - store.view.now) / 1_000);
  const seen = store.view.state !== undefined;
  return (
    <div class="notice">
      <Glyph name="failed" />
      <p>
        <strong>{seen ? `Connection lost at ${formatTimeOfDay(link.since)}.` : 'The service does not answer.'}</strong>{' '}
        {seen && 'What you see is from then. '}
        {waitSeconds > 0 ? `Trying again in ${waitSeconds} s.` : 'Trying again now…'}
      </p>
      <button type="button" onClick={() => store.retryNow()}>
        Try now
      </button>
    </div>
  );
}
