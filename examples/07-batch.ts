/**
 * A list of drugs through a limiter: each result in its place, failures among them, progress, and a job that is stopped in
 * the middle and goes on with its checkpoint.
 *
 * Run: node --conditions=plinth-source --import tsx examples/07-batch.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchProcessor, FileCheckpoint, progressBar } from 'plinth/batch';
import { NotFoundError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';
import { TokenBucketRateLimiter } from 'plinth/rate-limit';

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const folder = mkdtempSync(join(tmpdir(), 'plinth-example-'));
const drugs = Array.from({ length: 200 }, (_, index) => (index % 50 === 7 ? `unknown-${index}` : `drug-${index}`));

let asked = 0;
async function findLabel(drug: string): Promise<string> {
  asked += 1;
  await systemClock.sleep(8);
  if (drug.startsWith('unknown')) throw new NotFoundError('Drug', drug);
  return `label of ${drug}`;
}

/** Each run is what a process of its own would be. */
function newProcessor(): BatchProcessor<string, string> {
  return new BatchProcessor({
    name: 'labels',
    work: findLabel,
    maxConcurrent: 10,
    limiter: new TokenBucketRateLimiter({ ratePerSecond: 400, capacity: 10 }),
    checkpoint: new FileCheckpoint<string>({ path: join(folder, 'labels.jsonl'), job: 'labels:2026-01' }),
    progressIntervalMs: 20,
  });
}

// The first process does not get to the end.
const first = newProcessor();
first.events.on('progress', ({ done }) => {
  if (done >= 80) void first.stop();
});
const early = await first.processBatch(drugs);
print(`stopped after ${early.length} of ${drugs.length}, asked ${asked} times`);

// The second goes on where the first was.
asked = 0;
const second = newProcessor();
const bar = progressBar(second.events, { stream: process.stdout, lineIntervalMs: 100 });
const results = await second.processBatch(drugs);
bar.unsubscribe();
const recorded = results.filter(result => result.recorded).length;
print(`${results.length} results in the order of the list: ${recorded} from the checkpoint, ${asked} asked for`);
for (const { ok, item, error } of results) if (!ok) print(`${item}: ${error instanceof Error ? error.message : error}`);
print(`in order: ${results.every(({ item, index }) => item === drugs[index])}`);

rmSync(folder, { recursive: true });
