import { ArgumentError } from '../errors/index.ts';
import { type Clock, type EventSource, Events, systemClock } from '../kernel/index.ts';
import { CheckRunner } from './check-runner.ts';
import type { HealthEvents } from './events.ts';
import type { CheckReport, HealthCheck, HealthReport, HealthStatus } from './health-check.ts';

/** What a {@link HealthRegistry} is made of. */
export interface HealthRegistryOptions {
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** A check that has been registered and can be taken back. Also usable with `using`. */
export interface HealthRegistration extends Disposable {
  /** Takes the check away and aborts its run. Does nothing the second time. */
  unregister(): void;
}

/** Everything that is known at this moment, without looking. */
export interface HealthSnapshot {
  readonly live: HealthReport;
  readonly ready: HealthReport;
  /** Whether requests are accepted; false while the process ends. */
  readonly accepting: boolean;
}

/**
 * Answers two questions: does this process work (`live`), and should requests be sent to it (`ready`). Each check runs
 * within a time limit, at most once at a time however many ask, and its answer is reused for a moment.
 *
 * @example
 * const health = new HealthRegistry();
 * health.register({ name: 'database', check: async signal => {
 *   await database.ping(signal);
 *   return { status: 'up' };
 * } });
 * const { status, checks } = await health.ready();
 */
export class HealthRegistry {
  readonly #clock: Clock;
  readonly #runners = new Map<string, CheckRunner>();
  readonly #events = new Events<HealthEvents>();
  #accepting = true;

  constructor(options: HealthRegistryOptions = {}) {
    this.#clock = options.clock ?? systemClock;
  }

  /** Tells when an answer changes. */
  get events(): EventSource<HealthEvents> {
    return this.#events;
  }

  /** Whether requests are accepted. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /**
   * Adds a check.
   *
   * @throws {ArgumentError} when the name is taken or empty, or a time is not a usable number.
   */
  register(check: HealthCheck): HealthRegistration {
    this.#validate(check);
    const runner = new CheckRunner(check, this.#clock, (checked, from, error) => this.#tell(checked, from, error));
    this.#runners.set(check.name, runner);
    const unregister = (): void => {
      if (this.#runners.get(check.name) !== runner) return;
      this.#runners.delete(check.name);
      runner.stop();
    };
    return { unregister, [Symbol.dispose]: unregister };
  }

  /** Says whether requests should come. False makes {@link ready} `down` at once: the first step of a graceful stop. */
  setAccepting(accepting: boolean): void {
    if (this.#accepting === accepting) return;
    this.#accepting = accepting;
    this.#events.emit('accepting-changed', { accepting });
  }

  /** Whether this process works. Consults only checks of kind `live` and `both`. Never rejects. */
  async live(): Promise<HealthReport> {
    return report(await runAll(this.#runnersOf('live')));
  }

  /** Whether requests should be sent here. Consults checks of kind `ready` and `both`. Never rejects. */
  async ready(): Promise<HealthReport> {
    return this.#whenAccepting(report(await runAll(this.#runnersOf('ready'))));
  }

  /** The latest known answers. Runs nothing; a check that has not run yet is `unknown`, and the whole then at best `degraded`. */
  snapshot(): HealthSnapshot {
    const latest = (kind: 'live' | 'ready'): HealthReport =>
      report(this.#runnersOf(kind).map(runner => [runner.name, runner.latest] as const));
    return { live: latest('live'), ready: this.#whenAccepting(latest('ready')), accepting: this.#accepting };
  }

  #whenAccepting(ready: HealthReport): HealthReport {
    return this.#accepting ? ready : { ...ready, status: 'down' };
  }

  #runnersOf(kind: 'live' | 'ready'): CheckRunner[] {
    return [...this.#runners.values()].filter(runner => runner.kind === kind || runner.kind === 'both');
  }

  #tell(runner: CheckRunner, from: CheckReport['status'], error: unknown): void {
    const { status, message } = runner.latest;
    if (status === 'unknown' || !this.#events.has('status-changed')) return;
    this.#events.emit('status-changed', {
      name: runner.name,
      from,
      to: status,
      ...(message === undefined ? {} : { message }),
      ...(error === undefined ? {} : { error }),
    });
  }

  #validate(check: HealthCheck): void {
    if (check.name === '') throw new ArgumentError('Cannot register a health check without a name', 'name');
    if (this.#runners.has(check.name)) {
      throw new ArgumentError(
        `Cannot register health check "${check.name}" twice: unregister the first one, or name them apart`,
        'name',
      );
    }
    const requirePositive = (argument: string, value: number, minimum: number): void => {
      if (Number.isFinite(value) && value >= minimum) return;
      throw new ArgumentError(
        `Cannot register health check "${check.name}": ${argument} must be a number of milliseconds of at least ${minimum}, got ${value}`,
        argument,
      );
    };
    requirePositive('timeoutMs', check.timeoutMs ?? 2_000, 1);
    requirePositive('cacheMs', check.cacheMs ?? 1_000, 0);
  }
}

function runAll(runners: readonly CheckRunner[]): Promise<(readonly [string, CheckReport])[]> {
  return Promise.all(runners.map(async runner => [runner.name, await runner.run()] as const));
}

function report(entries: readonly (readonly [string, CheckReport])[]): HealthReport {
  return { status: worst(entries.map(([, check]) => check)), checks: Object.fromEntries(entries) };
}

function worst(checks: readonly CheckReport[]): HealthStatus {
  if (checks.some(check => check.critical && check.status === 'down')) return 'down';
  return checks.every(check => check.status === 'up') ? 'up' : 'degraded';
}
