/**
 * A dependency with its policies around it: what is served while it works, while it fails, and while the breaker is open.
 *
 * Run: node --conditions=plinth-source --import tsx examples/01-guarded-call.ts
 */
import { MemoryCache } from 'plinth/cache';
import { NetworkError } from 'plinth/errors';
import { pipeline } from 'plinth/pipeline';
import { VirtualClock } from 'plinth/testing';

const clock = new VirtualClock();
let broken = false;

async function fetchRate(currency: string): Promise<number> {
  if (broken) throw new NetworkError('The rates service could not be reached');
  return currency === 'EUR' ? 1.09 : 1;
}

const guard = pipeline('rates', { clock })
  .deadline(10_000)
  .cache(new MemoryCache({ ttlMs: 60_000, staleMs: 3_600_000, clock }))
  .retry({ maxAttempts: 1 })
  .breaker({ failureThreshold: 2, recoveryTimeMs: 30_000 })
  .attemptTimeout(2_000)
  .build();

guard.events.on('call', record => {
  const stages = record.stages.map(({ stage, decision }) => `${stage}:${decision}`).join(' → ');
  process.stdout.write(`  ${stages}\n`);
});

async function ask(): Promise<void> {
  const call = { operation: 'rates.read', key: 'EUR', repeatable: true };
  const { value, freshness, ageMs, reason } = await guard.execute(call, () => fetchRate('EUR'));
  process.stdout.write(`${value} ${freshness}, ${ageMs / 1_000} s old${reason ? `, because of ${reason}` : ''}\n`);
}

await ask(); // asks the service
await ask(); // answers from memory
broken = true;
await clock.advance(120_000);
await ask(); // fails, and the old value stands in
await ask(); // fails again: the breaker opens
await ask(); // no call leaves the process any more
