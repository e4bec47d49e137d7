/** One process of a job of 10,000 drug names that are looked up at openFDA. It may be killed at any moment. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchProcessor, FileCheckpoint, progressBar } from 'plinth/batch';
import { MemoryCache } from 'plinth/cache';
import { FDAOrangeBookScraper } from 'plinth/connectors/fda';
import { FailedError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';
import { type Guard, pipeline } from 'plinth/pipeline';
import { TokenBucketRateLimiter } from 'plinth/rate-limit';
import { CircuitBreaker } from 'plinth/resilience';
import { drugNames } from './drug-names.ts';
import type { PlainResult } from './killed-job.ts';

export const itemCount = 10_000;
export const maxConcurrent = 20;

/** What is kept of an answer. */
interface Finding {
  readonly total: number;
  readonly applications: readonly string[];
}

function guardOf(folder: string): Guard {
  const breaker = new CircuitBreaker({ name: 'openfda', failureThreshold: 5, recoveryTimeMs: 100 });
  breaker.events.on('state-changed', ({ to }) => appendFileSync(join(folder, 'breaker.log'), `${to}\n`));
  return pipeline('openfda')
    .deadline(20_000)
    .cache(new MemoryCache({ name: 'openfda', ttlMs: 3_600_000, maxEntries: itemCount }))
    .retry({ maxAttempts: 2 })
    .breaker(breaker)
    .rate(new TokenBucketRateLimiter({ name: 'openfda', ratePerSecond: 3_000, capacity: 100 }))
    .attemptTimeout(10_000)
    .build();
}

/** The scraper answers with what it has when one of its sources fails; the job wants the whole answer, and waits for it. */
async function lookUp(fda: FDAOrangeBookScraper, name: string, signal: AbortSignal): Promise<Finding> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const { total, results, sources } = await fda.searchDrug(name, { signal });
    if (sources.every(({ status }) => status !== 'failed')) {
      return { total, applications: results.map(({ applicationNumber }) => applicationNumber) };
    }
    await systemClock.sleep(50, signal);
  }
  throw new FailedError('The outage does not end');
}

interface Sources {
  readonly openFda: string;
  readonly orangeBook: string;
}

async function work(folder: string, atMost: number, sources: Sources, seed: number): Promise<void> {
  await using fda = new FDAOrangeBookScraper({
    openFda: { baseUrl: sources.openFda },
    orangeBook: { url: sources.orangeBook },
    openFdaGuard: guardOf(folder),
  });
  let begun = 0;
  const processor = new BatchProcessor({
    name: 'drugs',
    maxConcurrent,
    checkpoint: new FileCheckpoint<Finding>({ path: join(folder, 'job.jsonl'), job: `drugs:${seed}` }),
    progressIntervalMs: 5,
    work: async (name: string, { index, idempotencyKey, signal }): Promise<Finding> => {
      // Whoever is to be killed does not get away.
      if (begun >= atMost) await systemClock.sleep(60_000);
      begun += 1;
      // What cannot be taken back: if the process dies after it, it has happened.
      appendFileSync(join(folder, 'effects.log'), `${index} ${idempotencyKey}\n`);
      return await lookUp(fda, name, signal);
    },
  });
  processor.events.on('progress', ({ done, recorded }) => process.send?.(done - recorded));
  using _bar = progressBar(processor.events, { stream: process.stderr, lineIntervalMs: 250 });
  const results = await processor.processBatch(drugNames(itemCount, seed));
  const plain = results.map(
    ({ index, item, ok, value, error }): PlainResult => [
      index,
      item,
      ok ? JSON.stringify(value) : (error as { code: string }).code,
    ],
  );
  writeFileSync(join(folder, 'results.json'), JSON.stringify(plain));
  process.disconnect();
}

const [, program, folder, atMost, openFda, orangeBook, seed] = process.argv;
if (program?.endsWith('ten-thousand-worker.ts') && folder !== undefined && openFda !== undefined && orangeBook) {
  await work(folder, Number(atMost), { openFda, orangeBook }, Number(seed));
}
