import type { CallRecord, ConsoleState } from './wire.ts';

/** Whether the page hears the service. */
export type LinkStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly since: number; readonly retryAt: number };

/** What the connection tells. */
export interface EventListeners {
  readonly onState: (state: ConsoleState) => void;
  readonly onCall: (record: CallRecord) => void;
  readonly onLink: (status: LinkStatus) => void;
}

const eventsPath = '/api/v1/console/events';
const statePath = '/api/v1/console/state';
const firstRetryMs = 1_000;
const longestRetryMs = 10_000;
/** A quiet service sends nothing, and a dead network looks the same: after this long the page asks. */
const silenceMs = 15_000;
const probeTimeoutMs = 5_000;
/** How long a connection may take to say its first word. */
const firstWordMs = 10_000;

/**
 * The stream of server-sent events, for as long as the page is open. It reconnects by itself with growing waits; the
 * browser's own reconnection gives up on some answers and does not tell when it tries next.
 */
export class EventConnection {
  readonly #listeners: EventListeners;
  #source: EventSource | undefined;
  #timer: number | undefined;
  #lostSince: number | undefined;
  #failures = 0;

  constructor(listeners: EventListeners) {
    this.#listeners = listeners;
    window.addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.#lostSince !== undefined) this.retryNow();
    });
  }

  open(): void {
    this.#source?.close();
    const source = new EventSource(eventsPath);
    this.#source = source;
    source.addEventListener('state', event => {
      this.#heard();
      this.#listeners.onState(JSON.parse(event.data) as ConsoleState);
    });
    source.addEventListener('call', event => {
      this.#heard();
      this.#listeners.onCall(JSON.parse(event.data) as CallRecord);
    });
    source.addEventListener('error', () => this.#lost());
    this.#after(firstWordMs, () => this.#lost());
  }

  /** Tries at once instead of waiting. Does nothing while the connection stands. */
  retryNow(): void {
    if (this.#lostSince !== undefined) this.open();
  }

  #heard(): void {
    this.#failures = 0;
    this.#lostSince = undefined;
    this.#listeners.onLink({ kind: 'live' });
    this.#after(silenceMs, () => void this.#probe());
  }

  #lost(): void {
    this.#source?.close();
    this.#source = undefined;
    const now = Date.now();
    this.#lostSince ??= now;
    const waitMs = Math.min(firstRetryMs * 2 ** this.#failures, longestRetryMs);
    this.#failures += 1;
    this.#listeners.onLink({ kind: 'lost', since: this.#lostSince, retryAt: now + waitMs });
    this.#after(waitMs, () => this.open());
  }

  async #probe(): Promise<void> {
    const source = this.#source;
    try {
      const answer = await fetch(statePath, { cache: 'no-store', signal: AbortSignal.timeout(probeTimeoutMs) });
      const state = answer.ok ? ((await answer.json()) as ConsoleState) : undefined;
      if (source !== this.#source) return;
      if (!state) return this.#lost();
      this.#heard();
      this.#listeners.onState(state);
    } catch {
      if (source === this.#source) this.#lost();
    }
  }

  /** One timer for everything: whatever happens next makes what was awaited before pointless. */
  #after(delayMs: number, action: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delayMs) as unknown as number;
  }
}
