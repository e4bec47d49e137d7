/**
 * An outage under load, on virtual time: how much of it reaches the dependency, and what is answered meanwhile. Then the
 * same calls again through other numbers.
 *
 * Run: node --conditions=plinth-source --import tsx examples/05-outage.ts
 */
import { MemoryCache } from 'plinth/cache';
import { NetworkError } from 'plinth/errors';
import { CallLog, pipeline } from 'plinth/pipeline';
import { replay, Scheduler } from 'plinth/testing';

const scheduler = new Scheduler({ seed: 7 });
const { clock, random } = scheduler;
const print = (text: string): void => void process.stdout.write(`${text}\n`);

let asked = 0;
const outage = { fromMs: 20_000, untilMs: 50_000 };

async function fetchRate(): Promise<number> {
  asked += 1;
  await clock.sleep(20);
  const nowMs = clock.monotonic();
  if (nowMs >= outage.fromMs && nowMs < outage.untilMs) throw new NetworkError('The rates service is down');
  return 1.08;
}

const guard = pipeline('rates', { clock, random })
  .deadline(2_000)
  .cache(new MemoryCache({ ttlMs: 100, staleMs: 3_600_000, clock }))
  .retry({ maxAttempts: 3 })
  .breaker({ failureThreshold: 5, recoveryTimeMs: 5_000 })
  .attemptTimeout(500)
  .build();
const log = new CallLog({ maxRecords: 20_000 });
log.observe(guard.events);

const currencies = ['EUR', 'USD', 'CHF', 'JPY', 'SEK'];
scheduler.arrivals({ ratePerSecond: 100, durationMs: 60_000 }, async index => {
  const key = currencies[index % currencies.length];
  await guard.execute({ operation: 'rates.read', key, repeatable: true }, fetchRate).catch(() => {});
});
await scheduler.run(65_000);

const { calls, ok, stale, failed, rejected } = log.totals();
print(`${calls} calls: ${ok} fresh, ${stale} with an older value, ${failed + rejected} without an answer`);
print(`${asked} of them reached the service`);

const { recorded, replayed } = await replay(log.latest(20_000), {
  guard: parts => pipeline('rates', parts).retry({ maxAttempts: 1 }).breaker({ failureThreshold: 50 }).build(),
});
print(`without a cache and with a patient breaker: ${replayed.attempts} calls instead of ${recorded.attempts},`);
print(`${replayed.failed + replayed.rejected} without an answer instead of ${recorded.failed + recorded.rejected}`);
