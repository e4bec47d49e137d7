import { PlinthError, TimeoutError } from '../errors/index.ts';
import { type Clock, formatDuration, SingleFlight, untilAborted } from '../kernel/index.ts';
import type { CheckReport, HealthCheck, HealthCheckResult, HealthKind, HealthStatus } from './health-check.ts';

/** Runs of one check that passed their time limit and still have not ended; beyond it no further one is started. */
const maxAbandonedRuns = 10;

const statuses: readonly unknown[] = ['up', 'degraded', 'down'] satisfies HealthStatus[];

/** Tells of one finished run. */
export type OnChecked = (runner: CheckRunner, from: CheckReport['status'], error: unknown) => void;

/** One check with its limits, its latest answer, and the run that is under way. */
export class CheckRunner {
  readonly name: string;
  readonly kind: HealthKind;
  readonly critical: boolean;
  readonly #check: HealthCheck;
  readonly #timeoutMs: number;
  readonly #cacheMs: number;
  readonly #clock: Clock;
  readonly #onChecked: OnChecked;
  readonly #flight = new SingleFlight<'run', CheckReport>();
  #latest: CheckReport;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #abandonedRuns = 0;
  #controller: AbortController | undefined;
  #stopped = false;

  constructor(check: HealthCheck, clock: Clock, onChecked: OnChecked) {
    this.name = check.name;
    this.kind = check.kind ?? 'ready';
    this.critical = check.critical ?? true;
    this.#check = check;
    this.#timeoutMs = check.timeoutMs ?? 2_000;
    this.#cacheMs = check.cacheMs ?? 1_000;
    this.#clock = clock;
    this.#onChecked = onChecked;
    this.#latest = { status: 'unknown', critical: this.critical };
  }

  /** The latest answer, without looking. */
  get latest(): CheckReport {
    return this.#latest;
  }

  /** Looks, unless the last answer is young enough or a run is under way already. */
  run(): Promise<CheckReport> {
    if (this.#clock.monotonic() - this.#checkedAtMs < this.#cacheMs) return Promise.resolve(this.#latest);
    return this.#flight.run('run', () => this.#run());
  }

  /** Aborts what is under way; its answer is not told any more. */
  stop(): void {
    this.#stopped = true;
    this.#controller?.abort(new DOMException('The check was unregistered', 'AbortError'));
  }

  async #run(): Promise<CheckReport> {
    const startedAtMs = this.#clock.monotonic();
    let result: HealthCheckResult;
    let failure: unknown;
    try {
      result = acceptable(await this.#runWithinTime());
    } catch (error) {
      failure = error;
      result = { status: 'down', message: publicMessage(error) };
    }
    const from = this.#latest.status;
    this.#checkedAtMs = this.#clock.monotonic();
    this.#latest = Object.freeze({
      status: result.status,
      critical: this.critical,
      ...(result.message === undefined ? {} : { message: result.message }),
      ...(result.details === undefined ? {} : { details: result.details }),
      checkedAt: this.#clock.now(),
      durationMs: this.#checkedAtMs - startedAtMs,
    });
    if (from !== result.status && !this.#stopped) this.#onChecked(this, from, failure);
    return this.#latest;
  }

  async #runWithinTime(): Promise<HealthCheckResult> {
    if (this.#abandonedRuns >= maxAbandonedRuns) {
      throw new TimeoutError(`${maxAbandonedRuns} earlier runs of this check still hang`, this.#timeoutMs);
    }
    const controller = new AbortController();
    this.#controller = controller;
    const timer = this.#clock.setTimer(this.#timeoutMs, () => {
      controller.abort(new TimeoutError(`No answer within ${formatDuration(this.#timeoutMs)}`, this.#timeoutMs));
    });
    let settled = false;
    let abandoned = false;
    const end = (): void => {
      settled = true;
      if (abandoned) this.#abandonedRuns -= 1;
    };
    const run = Promise.resolve().then(() => this.#check.check(controller.signal));
    run.then(end, end);
    try {
      return await untilAborted(run, controller.signal);
    } finally {
      timer.cancel();
      abandoned = !settled;
      if (abandoned) this.#abandonedRuns += 1;
    }
  }
}

/** Guards against a check written in JavaScript that answers with something else. */
function acceptable(result: HealthCheckResult): HealthCheckResult {
  if (statuses.includes(result?.status)) return result;
  return { status: 'down', message: 'The check gave no status' };
}

/** Foreign errors may name addresses, users or files, so only our own messages are shown. */
function publicMessage(error: unknown): string {
  if (error instanceof PlinthError) return error.message;
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? `The check failed: ${code}` : 'The check failed';
}
