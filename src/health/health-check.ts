/** How well something is: `up`, usable with restrictions, or not usable. */
export type HealthStatus = 'up' | 'degraded' | 'down';

/**
 * Which question a check belongs to. `live` asks whether this process still works, and must consult nothing outside it:
 * a failing answer gets the process restarted. `ready` asks whether requests should be sent here now. `both` belongs to both.
 */
export type HealthKind = 'live' | 'ready' | 'both';

/** What a check found. */
export interface HealthCheckResult {
  readonly status: HealthStatus;
  /** Why, in a sentence for people. It is shown to whoever may ask: no secrets and no addresses. */
  readonly message?: string | undefined;
  /** Facts, such as a pool's numbers. Shown as well. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** One thing to look at. */
export interface HealthCheck {
  /** What is looked at, from a closed set, such as `database`. Unique in its registry. */
  readonly name: string;
  /** Which question the check belongs to. @default 'ready' */
  readonly kind?: HealthKind | undefined;
  /** Looks. What it throws counts as `down`. It should end when the signal aborts. */
  check(signal: AbortSignal): HealthCheckResult | Promise<HealthCheckResult>;
  /** How long the check may take before it counts as `down`, in milliseconds. @default 2_000 */
  readonly timeoutMs?: number | undefined;
  /** How long an answer is reused, in milliseconds. @default 1_000 */
  readonly cacheMs?: number | undefined;
  /** Whether the service is unusable without it. If not, `down` makes the whole only `degraded`. @default true */
  readonly critical?: boolean | undefined;
}

/** One check's latest answer. */
export interface CheckReport {
  /** `unknown` until the check has run once. */
  readonly status: HealthStatus | 'unknown';
  readonly critical: boolean;
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** When it was looked at, in milliseconds since 1970. Absent until then. */
  readonly checkedAt?: number;
  /** How long looking took, in milliseconds. */
  readonly durationMs?: number;
}

/** The answer to one question: the worst of its checks, and each of them by name. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly checks: Readonly<Record<string, CheckReport>>;
}
