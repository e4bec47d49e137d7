import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { RejectedError } from '../errors/index.ts';
import { formatDuration, systemClock } from '../kernel/index.ts';
import type {
  CheckOptions,
  RateLimitAnswer,
  RateLimitDecision,
  RateLimitFields,
  RateLimitPolicy,
} from '../rate-limit/index.ts';
import { clientOf } from './client-address.ts';
import type { LimitRecord } from './events.ts';
import { scopeOf } from './request-scope.ts';
import { surroundingsOf } from './surroundings.ts';

/** The part of a limiter that {@link limitRequests} needs: `RateLimiter` of `plinth/rate-limit`, in memory or on Redis. */
export interface RequestLimiter {
  readonly name: string;
  readonly settings: { readonly shadow: boolean };
  readonly policies: readonly RateLimitPolicy[];
  check(subject: string, options?: CheckOptions): RateLimitAnswer;
  fields(decision: RateLimitDecision): RateLimitFields;
}

/** The part of a request that {@link limitRequests} needs. */
export interface LimitedRequest {
  /** The client's address, from behind the proxies that `trustProxy` names. */
  readonly ip: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: unknown;
  readonly query: unknown;
  /** Only in a `preValidation` or `preHandler` hook; before the latter it may be anything. */
  readonly body: unknown;
  readonly server: object;
}

/** The part of a reply that {@link limitRequests} needs. */
export interface LimitedReply {
  header(name: string, value: string): unknown;
  getHeader(name: string): number | string | string[] | undefined;
}

/** A hook that comes before the handler: `onRequest`, `preValidation` or `preHandler`. */
export type LimitHook = (request: LimitedRequest, reply: LimitedReply, done: (error?: Error) => void) => void;

/** Whose requests count together. */
export type LimitSubject =
  | 'address'
  | 'user'
  | {
      /** What requests are told apart by, for people: `API key`. */
      readonly name: string;
      /** Who this request counts for. Without an answer it counts for its address. */
      readonly of: (request: LimitedRequest) => string | undefined;
    };

/** How requests are limited. */
export interface LimitRequestsOptions {
  /** What decides. Its name is part of what clients are told. */
  readonly limiter: RequestLimiter;
  /**
   * Whose requests count together: `address` is the client's, where an IPv6 client is its /64; `user` is the `userId` of the
   * request context, and the address for who is not signed in. @default 'address'
   */
  readonly by?: LimitSubject | undefined;
  /** How many permits a request takes; whole. @default 1 */
  readonly cost?: number | ((request: LimitedRequest) => number) | undefined;
  /** Whether answers tell of the limit also while the limiter is in shadow. @default false */
  readonly tellsInShadow?: boolean | undefined;
}

/**
 * A hook that lets a limiter decide about every request of a route or of a group of routes. Every answer tells of the limit
 * in `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11); of one in shadow only if asked to. What is
 * denied is answered with 429 and `Retry-After`; what cannot be decided, because the store is away and the limit is closed
 * then, with 503 and the code `LIMITER_UNAVAILABLE`.
 *
 * Hooks run in the order in which they are added: a limit by `user` comes after the hook that signs in. Several limits may
 * follow one another; what a later one denies has counted for the earlier ones.
 *
 * @example
 * const logins = new RateLimiter({ name: 'login', requests: 5, windowMs: 60_000 });
 * api.post('/login', { onRequest: limitRequests({ limiter: logins }) }, signIn);
 */
export function limitRequests(options: LimitRequestsOptions): LimitHook {
  const { limiter, by = 'address', cost = 1, tellsInShadow = false } = options;
  const decide = (
    request: LimitedRequest,
    reply: LimitedReply,
    subject: Subject,
    decision: Decision,
  ): Error | undefined => {
    const record = recordOf(limiter, subject, decision);
    const scope = scopeOf(request);
    if (scope !== undefined) scope.limits = [...(scope.limits ?? []), record];
    if (tellsInShadow || !limiter.settings.shadow) tell(reply, limiter.fields(decision));
    return decision.allowed ? undefined : refusal(limiter, record);
  };
  return (request, reply, done) => {
    const failed = (error: unknown): void => done(error as Error);
    let subject: Subject;
    let answer: RateLimitAnswer;
    try {
      subject = subjectOf(request, by);
      answer = limiter.check(keyOf(subject), { cost: typeof cost === 'function' ? cost(request) : cost });
    } catch (error) {
      return failed(error);
    }
    if (!(answer instanceof Promise)) return done(decide(request, reply, subject, answer));
    const clock = surroundingsOf(request.server)?.clock ?? systemClock;
    const askedAtMs = clock.monotonic();
    answer.then(decision => {
      const askedMs = Math.round((clock.monotonic() - askedAtMs) * 1_000) / 1_000;
      done(decide(request, reply, subject, { ...decision, askedMs }));
    }, failed);
  };
}

type Decision = RateLimitDecision & { readonly askedMs?: number };

interface Subject {
  readonly by: string;
  readonly value: string;
}

function subjectOf(request: LimitedRequest, by: LimitSubject): Subject {
  if (typeof by === 'object') {
    const value = by.of(request);
    if (value !== undefined) return { by: by.name, value };
  } else if (by === 'user') {
    const value = scopeOf(request)?.context.userId;
    if (value !== undefined) return { by, value };
  }
  return { by: 'address', value: clientOf(request.ip) };
}

/** Clients choose what stands in a header: a long one is not kept, and not confused with one of another kind. */
function keyOf({ by, value }: Subject): string {
  const short = value.length <= 100 ? value : createHash('sha256').update(value).digest('base64url');
  return `${by}:${short}`;
}

function recordOf(limiter: RequestLimiter, { by }: Subject, decision: Decision): LimitRecord {
  const { allowed, outcome, limit, remaining, retryAfterMs, askedMs } = decision;
  const policy = limiter.policies.find(({ quota }) => quota === limit) ?? limiter.policies[0];
  const windowSeconds = policy?.windowSeconds;
  return {
    limiter: limiter.name,
    by,
    allowed,
    outcome,
    limit,
    ...(windowSeconds === undefined ? {} : { windowMs: windowSeconds * 1_000 }),
    remaining,
    retryAfterMs,
    ...(askedMs === undefined ? {} : { askedMs }),
  };
}

/** Adds to what other limits have told already: both fields are lists. `Retry-After` is the error table's. */
function tell(reply: LimitedReply, fields: RateLimitFields): void {
  for (const name of ['RateLimit-Policy', 'RateLimit']) {
    const value = fields[name];
    if (value === undefined) continue;
    const before = reply.getHeader(name);
    reply.header(name, before === undefined ? value : `${String(before)}, ${value}`);
  }
}

function refusal(limiter: RequestLimiter, { outcome, retryAfterMs }: LimitRecord): RejectedError {
  const details = { limit: limiter.name };
  const again = `try again in ${formatDuration(Math.max(1, Math.ceil(retryAfterMs / 1_000)) * 1_000)}`;
  if (outcome === 'unavailable') {
    const message = `The limit "${limiter.name}" cannot be asked at the moment; ${again}`;
    return new RejectedError(message, 'unavailable', { retryAfterMs, details });
  }
  const allowed = limiter.policies.map(({ quota, windowSeconds }) =>
    windowSeconds === undefined ? `${quota}` : `${quota} within ${formatDuration(windowSeconds * 1_000)}`,
  );
  const message = `Too many requests: the limit "${limiter.name}" allows ${allowed.join(' and ')}; ${again}`;
  return new RejectedError(message, 'limited', { retryAfterMs, details });
}
