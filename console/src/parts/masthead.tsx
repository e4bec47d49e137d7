import type { JSX } from 'preact';
import { formatSpan } from '../format.ts';
import { currentTheme, toggleTheme } from '../theme.ts';
import { Unknown } from './chip.tsx';
import { Glyph } from './glyph.tsx';
import type { StoreProps } from './store-props.ts';

const upstreamTitles = {
  recorded: 'Outside sources are played by a stand-in server with recorded answers, which fails on demand',
  live: 'Outside sources are asked for real',
};

export function Masthead({ store }: StoreProps): JSX.Element {
  const service = store.view.state?.service;
  return (
    <header class="masthead">
      <div class="identity">
        <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M4 2.5h8v2.2H4zM5.2 6h5.6v4H5.2zM2.5 11.3h11v2.2h-11z" />
        </svg>
        <h1>{service?.name ?? 'Plinth console'}</h1>
        {service && <span class="version">{service.version}</span>}
        {service && <span class="badge">{service.environment}</span>}
        {service && (
          <span class={`badge upstreams-${service.upstreams}`} title={upstreamTitles[service.upstreams]}>
            upstreams {service.upstreams}
            {service.standIn && (
              <>
                {' '}
                at <a href={`${service.standIn}/_control`}>{service.standIn}</a>
              </>
            )}
          </span>
        )}
      </div>
      <div class="standing">
        <LinkState store={store} />
        <Uptime store={store} />
      </div>
      <nav aria-label="Service">
        <a href="/docs">API</a>
        <a href="/metrics">Metrics</a>
        <a href="/health/ready">Ready</a>
        <ThemeButton store={store} />
      </nav>
    </header>
  );
}

function LinkState({ store }: StoreProps): JSX.Element {
  const { kind } = store.view.link;
  const words = { connecting: 'connecting', live: 'live', lost: 'connection lost' };
  return (
    <span class={`link-state link-${kind}`}>
      <span class="dot" aria-hidden="true" />
      {words[kind]}
    </span>
  );
}

function Uptime({ store }: StoreProps): JSX.Element {
  const state = store.view.state;
  const known = state !== undefined && store.view.link.kind === 'live';
  return (
    <span class="uptime">
      up{' '}
      {known ? (
        formatSpan(state.service.uptimeSeconds * 1_000 + Math.max(0, store.view.now - state.receivedAt))
      ) : (
        <Unknown />
      )}
    </span>
  );
}

function ThemeButton({ store }: StoreProps): JSX.Element {
  const dark = currentTheme() === 'dark';
  const toggle = (): void => {
    toggleTheme();
    store.update({});
  };
  return (
    <button
      type="button"
      class="icon-button"
      onClick={toggle}
      aria-label={`Change to the ${dark ? 'light' : 'dark'} theme`}
    >
      <Glyph name={dark ? 'sun' : 'moon'} />
    </button>
  );
}
