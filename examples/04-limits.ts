/**
 * Limits, outbound and inbound: waiting for one's turn, deciding about others, several windows at once, and trying a
 * limit in shadow before it is enforced.
 *
 * Run: node --conditions=plinth-source --import tsx examples/04-limits.ts
 */
import { RateLimiter, SlidingWindowRateLimiter, TokenBucketRateLimiter } from 'plinth/rate-limit';
import { VirtualClock } from 'plinth/testing';

const clock = new VirtualClock();
const print = (text: string): void => void process.stdout.write(`${text}\n`);

// Outbound: we wait for our turn. Two requests per second, three at once after a pause.
const outbound = new TokenBucketRateLimiter({ ratePerSecond: 2, capacity: 3, clock });
const turns = Promise.all(
  Array.from({ length: 5 }, async (_, index) => {
    await outbound.wait('api.fda.gov');
    print(`request ${index + 1} leaves after ${clock.monotonic()} ms`);
  }),
);
await clock.advance(1_000);
await turns;

// A wait that cannot end before its deadline fails at once, and says how long it would have been.
const late = outbound.wait('api.fda.gov', { timeoutMs: 100 });
print(await late.then(String, (error: Error) => `refused: ${error.message}`));

// Inbound: others ask us, and nobody waits. The answer carries what clients need to know.
const logins = new RateLimiter({ name: 'login', requests: 2, windowMs: 60_000, clock });
for (let attempt = 1; attempt <= 3; attempt += 1) {
  const decision = logins.check('192.0.2.7');
  print(`login ${attempt}: ${decision.outcome}, ${JSON.stringify(logins.fields(decision))}`);
}

// Two windows in one decision: all of them admit, or nothing is taken.
const burst = { requests: 5, windowMs: 1_000 };
const daily = { requests: 7, windowMs: 86_400_000 };
const exports = new SlidingWindowRateLimiter({ windows: [burst, daily], clock });
print(`five at once: ${exports.check('user-1', { cost: 5 }).outcome}`);
await clock.advance(1_000);
print(
  `five more: ${exports.check('user-1', { cost: 5 }).outcome}, two more: ${exports.check('user-1', { cost: 2 }).outcome}`,
);

// A new limit in shadow: it decides and tells, and lets everybody through.
const trial = new SlidingWindowRateLimiter({ requests: 1, windowMs: 1_000, shadow: true, clock });
trial.events.on('denied', ({ key }) => print(`${key} would have been refused`));
print(`allowed all the same: ${trial.check('user-2').allowed && trial.check('user-2').allowed}`);

for (const limiter of [outbound, logins, exports, trial]) limiter.close();
