/** One process of a job that is killed again and again: goes on with the checkpoint, and says what it does. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchProcessor, FileCheckpoint } from 'plinth/batch';
import { MemoryCache } from 'plinth/cache';
import { UpstreamError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';
import { pipeline } from 'plinth/pipeline';
import { TokenBucketRateLimiter } from 'plinth/rate-limit';
import type { PlainResult } from './killed-job.ts';

export const itemCount = 10_000;
export const maxConcurrent = 20;

/** Names as in a list of drugs: every hundredth stands in it twice. */
export function nameAt(index: number): string {
  return `drug-${index % 100 === 99 ? index - 50 : index}`;
}

/** What a name comes to; every 89th is unknown. */
export function outcomeOf(index: number): string {
  const number = Number(nameAt(index).slice('drug-'.length));
  return number % 89 === 0 ? 'UPSTREAM_ERROR' : `label of drug-${number}`;
}

async function fetchLabel(name: string): Promise<string> {
  const number = Number(name.slice('drug-'.length));
  await systemClock.sleep(number % 4);
  if (number % 89 === 0) throw new UpstreamError('No such drug', 404);
  return `label of ${name}`;
}

async function* names(): AsyncGenerator<string> {
  for (let index = 0; index < itemCount; index += 1) yield nameAt(index);
}

async function work(folder: string, atMost: number): Promise<void> {
  let begun = 0;
  const guard = pipeline('labels')
    .deadline(10_000)
    .cache(new MemoryCache({ ttlMs: 60_000 }))
    .retry({ maxAttempts: 2 })
    .breaker({ failureThreshold: 5 })
    .attemptTimeout(2_000)
    .build();
  const limiter = new TokenBucketRateLimiter({ name: 'labels', ratePerSecond: 5_000, capacity: 50 });
  const checkpoint = new FileCheckpoint<string>({ path: join(folder, 'job.jsonl'), job: 'labels:2026-01' });
  const processor = new BatchProcessor({
    name: 'labels',
    work: async (name: string, { index, idempotencyKey }) => {
      // Whoever is to be killed does not get away.
      if (begun >= atMost) await systemClock.sleep(60_000);
      begun += 1;
      // What cannot be taken back: if the process dies after it, it has happened.
      appendFileSync(join(folder, 'effects.log'), `${index} ${idempotencyKey}\n`);
      const call = { operation: 'labels.read', key: name, repeatable: true };
      return (await guard.execute(call, () => fetchLabel(name))).value;
    },
    maxConcurrent,
    limiter,
    checkpoint,
    progressIntervalMs: 5,
  });
  processor.events.on('progress', ({ done, recorded }) => process.send?.(done - recorded));
  const results: PlainResult[] = [];
  for await (const { index, item, value, error } of processor.run(names(), { total: itemCount })) {
    results.push([index, item, value ?? (error as { code: string }).code]);
  }
  writeFileSync(join(folder, 'results.json'), JSON.stringify(results));
  process.disconnect();
}

const [, program, folder, atMost] = process.argv;
if (program?.endsWith('killed-worker.ts') && folder !== undefined) await work(folder, Number(atMost));
