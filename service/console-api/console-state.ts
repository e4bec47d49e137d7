import type { Infrastructure } from 'plinth';
import type { CacheHealth } from 'plinth/cache';
import { type EventSource, Events, type Subscription, type Timer } from 'plinth/kernel';
import type { z } from 'zod';
import type { ImportService } from '../imports/import-service.ts';
import type { StandIn } from '../stand-in/index.ts';
import type { consoleStateSchema } from './console-state-schema.ts';

/** Everything the console shows at one moment. */
export type ConsoleSnapshot = z.infer<typeof consoleStateSchema>;

/** What {@link ConsoleState} tells. */
export interface ConsoleStateEvents {
  /** Something that the console shows has changed. At most once a second. */
  changed: ConsoleSnapshot;
}

/** How often the state is told at most, in milliseconds. */
const tellIntervalMs = 1_000;

/** How often it is told although no call was made, in milliseconds: health changes by itself. */
const refreshIntervalMs = 5_000;

/** How many calls a snapshot holds. */
const shownCalls = 100;

/** The process as the console sees it. Reads what the infrastructure knows; keeps nothing of its own. */
export class ConsoleState {
  readonly #infrastructure: Infrastructure;
  readonly #imports: ImportService;
  readonly #standIn: StandIn | undefined;
  readonly #startedAt: number;
  readonly #startedMs: number;
  readonly #events = new Events<ConsoleStateEvents>();
  readonly #subscriptions: readonly Subscription[];
  readonly #refresh: Timer;
  #timer: Timer | undefined;

  constructor(infrastructure: Infrastructure, imports: ImportService, standIn: StandIn | undefined) {
    this.#infrastructure = infrastructure;
    this.#imports = imports;
    this.#standIn = standIn;
    this.#startedAt = infrastructure.clock.now();
    this.#startedMs = infrastructure.clock.monotonic();
    const { dependencies, health } = infrastructure;
    const changed = (): void => this.#tellSoon();
    this.#subscriptions = [
      dependencies.events.on('call', changed),
      dependencies.events.on('state-changed', changed),
      health.events.on('status-changed', changed),
      imports.events.on('changed', changed),
    ];
    this.#refresh = infrastructure.clock.setRepeatingTimer(refreshIntervalMs, changed);
  }

  get events(): EventSource<ConsoleStateEvents> {
    return this.#events;
  }

  /** The state now, with checks that have just been looked at. */
  async current(): Promise<ConsoleSnapshot> {
    const { health } = this.#infrastructure;
    await Promise.all([health.live(), health.ready()]);
    return this.#snapshot();
  }

  /** Stops following the infrastructure. */
  close(): void {
    this.#timer?.cancel();
    this.#refresh.cancel();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #snapshot(): ConsoleSnapshot {
    const { settings, dependencies, health, clock } = this.#infrastructure;
    const { live, ready } = health.snapshot();
    return {
      service: {
        name: settings.appName,
        version: settings.appVersion,
        environment: settings.environment,
        upstreams: settings.service.upstreams,
        standIn: this.#standIn?.url,
        startedAt: new Date(this.#startedAt).toISOString(),
        uptimeSeconds: Math.round((clock.monotonic() - this.#startedMs) / 1_000),
        database: this.#infrastructure.database().engine,
      },
      health: { status: worst(live.status, ready.status), checks: checksOf({ ...live.checks, ...ready.checks }) },
      breakers: [...dependencies.breakers()],
      caches: Object.values(this.#infrastructure.cache.statsByNamespace()),
      cacheTiers: tiersOf(this.#infrastructure.cache.health()),
      totals: dependencies.calls.totals(),
      imports: [...this.#imports.list()],
      calls: dependencies.calls.latest(shownCalls).map(record => ({ ...record })),
    };
  }

  #tellSoon(): void {
    if (this.#timer !== undefined || !this.#events.has('changed')) return;
    this.#timer = this.#infrastructure.clock.setTimer(tellIntervalMs, async () => {
      const state = await this.current();
      this.#timer = undefined;
      this.#events.emit('changed', state);
    });
  }
}

type Status = ConsoleSnapshot['health']['status'];
type Checks = ReturnType<Infrastructure['health']['snapshot']>['live']['checks'];

function worst(first: Status, second: Status): Status {
  const order = ['up', 'degraded', 'down'] as const;
  return order.indexOf(first) > order.indexOf(second) ? first : second;
}

/** A check that has not run yet says so in words: the console knows three states. */
function checksOf(checks: Checks): ConsoleSnapshot['health']['checks'] {
  return Object.entries(checks).map(([name, { status, message, durationMs }]) => ({
    name,
    status: status === 'unknown' ? 'degraded' : status,
    ...(status === 'unknown' ? { message: 'not looked at yet' } : message === undefined ? {} : { message }),
    ...(durationMs === undefined ? {} : { durationMs }),
  }));
}

/** As JSON can say it, which knows no infinity. */
function tiersOf({ coherence, ...rest }: CacheHealth): ConsoleSnapshot['cacheTiers'] {
  if (coherence === undefined) return rest;
  const { heardAgoMs } = coherence;
  return { ...rest, coherence: { ...coherence, heardAgoMs: Number.isFinite(heardAgoMs) ? heardAgoMs : null } };
}
