import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { getRequestContext, runWithRequestContext } from '../../context/index.ts';
import { ArgumentError, FailedError } from '../../errors/index.ts';
import { type Clock, requireDuration, requireInteger, systemClock } from '../../kernel/index.ts';
import { clientOf } from '../client-address.ts';
import { inScope, scopeOf } from '../request-scope.ts';
import { surroundingsOf } from '../surroundings.ts';
import { IdempotencyError, inProgress, storeUnavailable } from './errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import { parseIdempotencyKey } from './key.ts';
import { forgetRun, type IdempotentReply, type IdempotentRun, openRun, type RunParts, runOf } from './run.ts';
import type { ClaimOutcome, IdempotencyStore, KeptAnswer } from './store.ts';

/** The part of a request that {@link idempotent} needs. */
export interface IdempotentRequest {
  readonly method: string;
  readonly url: string;
  /** The client's address, from behind the proxies that `trustProxy` names. */
  readonly ip: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  readonly server: object;
}

/** How keys are used. */
export interface IdempotentOptions {
  /** Where keys and answers are kept; a function is asked at every request. */
  readonly store: IdempotencyStore | (() => IdempotencyStore);
  /** How long an answer is kept, in milliseconds. @default 86_400_000 */
  readonly ttlMs?: number | undefined;
  /**
   * How long a request may be under way before another one with its key is run, in milliseconds: longer than the longest
   * takes, since only a process that died should lose its claim. @default 60_000
   */
  readonly leaseMs?: number | undefined;
  /** How long a request waits for one with its key that is under way, in milliseconds. @default 0 */
  readonly waitMs?: number | undefined;
  /** Whether requests without a key are refused. @default false */
  readonly required?: boolean | undefined;
  /** Whose keys they are: nobody else sees the answers. @default the `userId` of the request context, else the address */
  readonly scope?: ((request: IdempotentRequest) => string) | undefined;
  /** What makes two requests the same. @default a hash of the method, the address with its query, `If-Match` and its kin, and the body */
  readonly fingerprint?: ((request: IdempotentRequest) => string) | undefined;
  /** Which answers are kept; the others make the key free again. @default those below 400 */
  readonly keeps?: ((status: number) => boolean) | undefined;
  /** The headers that are kept. @default content-type, content-language, content-location, location, link, etag, last-modified */
  readonly headers?: readonly string[] | undefined;
  /** The largest body that is kept, in bytes. @default 65_536 */
  readonly maxBytes?: number | undefined;
  /** Told when an answer could not be kept, or a key not made free: the client gets its answer all the same. @default nobody */
  readonly onStoreFailure?: ((error: unknown) => void) | undefined;
}

/** The two hooks of a route or of a group of routes; only both together do anything. */
export interface IdempotencyHooks {
  preHandler(request: IdempotentRequest, reply: IdempotentReply): Promise<unknown>;
  onSend(request: IdempotentRequest, reply: IdempotentReply, payload: unknown): Promise<unknown>;
}

const defaultHeaders = [
  'content-type',
  'content-language',
  'content-location',
  'location',
  'link',
  'etag',
  'last-modified',
] as const;

/** How often one who waits looks again, in milliseconds. */
const lookAgainMs = 50;

/**
 * Hooks that run a POST or PATCH with an `Idempotency-Key` once (draft-ietf-httpapi-idempotency-key-header). Who sends the
 * same request again gets the same answer, with `idempotency-replayed: true`; while the first is under way 409; and 422 for
 * another request under the same key. Answers of 400 and above are not kept: the request may be sent again. While the
 * store is away nothing is run under a key: 503.
 *
 * They come after validation and after other hooks of the app, so that who is not allowed to ask does not get a kept answer
 * either. A route with hooks of its own takes both into lists: `preHandler: [mine, keys.preHandler], onSend: [keys.onSend]`.
 *
 * A process may die after the work and before its answer is kept. {@link idempotencyOf} closes this gap.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const keys = idempotent({ store: new SqlIdempotencyStore({ database }) });
 * api.post('/orders', { schema, ...keys }, placeOrder);
 */
export function idempotent(options: IdempotentOptions): IdempotencyHooks {
  const { store, leaseMs = 60_000, waitMs = 0, required = false } = options;
  const { scope = subjectOf, fingerprint = fingerprintOf, keeps = isSuccess } = options;
  const parts = partsOf(options);
  requireDuration('leaseMs', leaseMs, 1);
  requireDuration('waitMs', waitMs, 0);
  return {
    async preHandler(request, reply) {
      if (request.method !== 'POST' && request.method !== 'PATCH') return undefined;
      const header = request.headers['idempotency-key'];
      if (header === undefined && !required) return undefined;
      const key = parseIdempotencyKey(headerOf(header));
      const id = idOf(scope(request), key);
      const asked = fingerprint(request);
      const chosen = typeof store === 'function' ? store() : store;
      const clock = surroundingsOf(request.server)?.clock ?? systemClock;
      // A hook before this one may have left the context, and with it the deadline.
      const outcome = await inScope(request, () => claim(() => chosen.claim(id, asked, leaseMs), clock, waitMs));
      if (outcome.state === 'claimed') {
        openRun(request, { ...parts, key, store: chosen, claim: outcome.claim, reply });
        return undefined;
      }
      if (outcome.fingerprint !== asked) throw reused();
      if (outcome.state === 'running') throw inProgress();
      return replay(reply, outcome.answer);
    },
    async onSend(request, reply, payload) {
      const run = runOf(request);
      if (run === undefined) return payload;
      // What is sent instead of this answer comes here again.
      forgetRun(request);
      // The work is done: its answer is kept also for a request that is out of time.
      return await inScope(request, () =>
        runWithRequestContext({ deadlineMs: undefined }, () => settle(run, reply, payload, keeps)),
      );
    },
  };
}

/** Ends a run. @returns what is sent. */
async function settle(
  run: IdempotentRun,
  reply: IdempotentReply,
  payload: unknown,
  keeps: (status: number) => boolean,
): Promise<unknown> {
  if (!keeps(reply.statusCode)) {
    // Nothing happens to an answer that a transaction has kept.
    await run.release();
    return payload;
  }
  const kept = await run.keep(payload);
  if (kept === 'lost') {
    run.clearHeaders();
    throw inProgress();
  }
  return kept;
}

async function claim(ask: () => Promise<ClaimOutcome>, clock: Clock, waitMs: number): Promise<ClaimOutcome> {
  const { deadlineMs = Number.POSITIVE_INFINITY } = getRequestContext();
  const untilMs = Math.min(clock.monotonic() + waitMs, deadlineMs);
  for (;;) {
    const outcome = await ask().catch((error: unknown) => {
      throw error instanceof FailedError ? storeUnavailable(error) : error;
    });
    const leftMs = untilMs - clock.monotonic();
    if (outcome.state !== 'running' || leftMs <= 0) return outcome;
    await clock.sleep(Math.min(lookAgainMs, leftMs));
  }
}

function replay(reply: IdempotentReply, { status, headers, body }: KeptAnswer): IdempotentReply {
  if (body === undefined) {
    throw new IdempotencyError(
      `A request with this Idempotency-Key was answered with ${status} before; the answer was too large to be kept. Read what it has made instead of sending it again`,
      'not-kept',
      { details: { status_code: status } },
    );
  }
  reply.code(status);
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  reply.header('idempotency-replayed', 'true');
  // Without a type there was no body: giving none keeps the framework from adding a type.
  reply.send(headers['content-type'] === undefined ? undefined : Buffer.from(body));
  return reply;
}

function partsOf(options: IdempotentOptions): Pick<RunParts, 'ttlMs' | 'maxBytes' | 'headers' | 'onStoreFailure'> {
  const { ttlMs = 86_400_000, maxBytes = 65_536, headers = defaultHeaders, onStoreFailure = () => {} } = options;
  const names = headers.map(name => name.toLowerCase());
  if (names.includes('set-cookie')) {
    throw new ArgumentError('Cannot keep the header set-cookie: it would be given to another connection', 'headers');
  }
  return {
    ttlMs: requireDuration('ttlMs', ttlMs, 1),
    maxBytes: requireInteger('maxBytes', maxBytes, 0),
    headers: names,
    onStoreFailure,
  };
}

function isSuccess(status: number): boolean {
  return status < 400;
}

function subjectOf(request: IdempotentRequest): string {
  const userId = scopeOf(request)?.context.userId;
  return userId === undefined ? `address:${clientOf(request.ip)}` : `user:${userId}`;
}

/** Bounded, and nothing that a client has chosen. */
function idOf(scope: string, key: string): string {
  if (typeof scope !== 'string' || scope === '') {
    throw new ArgumentError(
      'Cannot tell whose idempotency key this is: expected scope to give text, got none',
      'scope',
    );
  }
  return createHash('sha256')
    .update(JSON.stringify([scope, key]))
    .digest('base64url');
}

function headerOf(header: string | readonly string[] | undefined): string {
  if (header !== undefined) return typeof header === 'string' ? header : header.join(', ');
  throw new IdempotencyError(
    'The header Idempotency-Key is missing: send one key for this request, and the same when you send it again',
    'missing',
  );
}

function reused(): IdempotencyError {
  return new IdempotencyError(
    'This Idempotency-Key was used for another request: expected the same method, address, If-Match and body, or a new key',
    'reused',
  );
}
