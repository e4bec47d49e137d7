import { describe, expect, it } from 'vitest';
import { BatchProcessor, MemoryCheckpoint } from '../batch/index.ts';
import { NetworkError, RejectedError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { createMetrics, type Metrics } from './index.ts';

async function lines(metrics: Metrics, name: string): Promise<string[]> {
  const text = await metrics.render();
  return text.split('\n').filter(line => line.startsWith(name) && !line.includes('_bucket'));
}

describe('Metrics of batches', () => {
  it('count every item once, by outcome, over several batches and in the middle of one', async () => {
    using metrics = await createMetrics();
    const clock = new VirtualClock();
    const processor = new BatchProcessor({
      name: 'labels',
      maxConcurrent: 2,
      maxRefusalWaitMs: 0,
      checkpoint: new MemoryCheckpoint<number>({ job: 'labels:1' }),
      clock,
      work: async (item: number) => {
        await clock.sleep(1_000);
        if (item % 4 === 0) throw new NetworkError('Away');
        if (item % 7 === 0) throw new RejectedError('The circuit is open', 'open');
        return item;
      },
    });
    metrics.observeBatch(processor);
    expect(() => metrics.observeBatch(processor)).toThrow('Cannot observe two batches named "labels"');
    expect(await lines(metrics, 'plinth_batch_active_items{')).toEqual(['plinth_batch_active_items{batch="labels"} 0']);

    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const running = processor.processBatch(items);
    await clock.advance(1_500);
    expect(await lines(metrics, 'plinth_batch_active_items{')).toEqual(['plinth_batch_active_items{batch="labels"} 2']);
    expect(await lines(metrics, 'plinth_batch_items_total{')).toContain(
      'plinth_batch_items_total{batch="labels",outcome="succeeded"} 2',
    );
    await clock.advance(10_000);
    await running;
    expect(await lines(metrics, 'plinth_batch_items_total{')).toEqual([
      'plinth_batch_items_total{batch="labels",outcome="succeeded"} 5',
      'plinth_batch_items_total{batch="labels",outcome="recorded"} 0',
      'plinth_batch_items_total{batch="labels",outcome="failed"} 3',
    ]);
    expect(await lines(metrics, 'plinth_batch_duration_seconds')).toEqual([
      'plinth_batch_duration_seconds_sum{batch="labels",outcome="completed"} 4',
      'plinth_batch_duration_seconds_count{batch="labels",outcome="completed"} 1',
    ]);

    // Again: the refusal was not recorded, everything else was.
    const again = processor.processBatch(items);
    await clock.advance(10_000);
    await again;
    expect(await lines(metrics, 'plinth_batch_items_total{')).toEqual([
      'plinth_batch_items_total{batch="labels",outcome="succeeded"} 5',
      'plinth_batch_items_total{batch="labels",outcome="recorded"} 7',
      'plinth_batch_items_total{batch="labels",outcome="failed"} 4',
    ]);
  });
});
