import type { JSX } from 'preact';
import { Breakers } from './breakers.tsx';
import { Caches } from './caches.tsx';
import { Calls } from './calls.tsx';
import { ConnectionNotice } from './connection-notice.tsx';
import { Health } from './health.tsx';
import { Masthead } from './masthead.tsx';
import { Readout } from './readout.tsx';
import type { StoreProps } from './store-props.ts';
import { TryIt } from './try-it.tsx';

export function Page({ store }: StoreProps): JSX.Element {
  const outdated = store.view.link.kind === 'lost';
  return (
    <>
      <a class="skip" href="#calls">
        Skip to the calls
      </a>
      <Masthead store={store} />
      <ConnectionNotice store={store} />
      <main class={outdated ? 'outdated' : undefined}>
        <TryIt store={store} />
        <Readout store={store} />
        <div class="columns">
          <aside class="side" aria-label="Health, breakers and caches">
            <Health store={store} />
            <Breakers store={store} />
            <Caches store={store} />
          </aside>
          <Calls store={store} />
        </div>
      </main>
      <p class="visually-hidden" role="status" aria-live="polite">
        {store.view.announcement}
      </p>
    </>
  );
}
