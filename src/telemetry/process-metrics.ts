import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../kernel/index.ts';
import type { MetricSet } from './metric-set.ts';

const resolutionMs = 20;

/**
 * Reads what the runtime knows about this process, at the moment of a scrape. Instead of the vendor's default metrics:
 * three of those have names that Prometheus' own linter refuses, and their observers cannot be stopped.
 */
export class ProcessMetrics {
  readonly #metrics: MetricSet;
  readonly #delay: IntervalHistogram;

  constructor(metrics: MetricSet, clock: Clock) {
    this.#metrics = metrics;
    metrics.gauge('process_start_time_seconds').set(Math.round(clock.now() / 1_000 - process.uptime()));
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#delay.enable();
    metrics.gauge('nodejs_version_info').labels(process.version).set(1);
  }

  /** Brings the metrics up to date. */
  pull(): void {
    const metrics = this.#metrics;
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    const spent = metrics.counter('process_cpu_seconds_total');
    spent.reset();
    spent.inc((cpu.user + cpu.system) / 1_000_000);
    metrics.gauge('process_resident_memory_bytes').set(memory.rss);
    metrics.gauge('nodejs_heap_size_total_bytes').set(memory.heapTotal);
    metrics.gauge('nodejs_heap_size_used_bytes').set(memory.heapUsed);
    metrics.gauge('nodejs_external_memory_bytes').set(memory.external);
    metrics.gauge('plinth_event_loop_lag_seconds').set(this.#lagSeconds());
    this.#pullResources();
  }

  /** Ends the observation of the event loop. */
  close(): void {
    this.#delay.disable();
  }

  /** The runtime measures from turn to turn, so that a punctual turn counts as one resolution, not as nothing. */
  #lagSeconds(): number {
    const turnMs = this.#delay.percentile(99) / 1_000_000;
    this.#delay.reset();
    return Math.max(0, turnMs - resolutionMs) / 1_000;
  }

  #pullResources(): void {
    const counts = new Map<string, number>();
    for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
    this.#metrics.gauge('nodejs_active_resources').reset();
    for (const [type, count] of counts) this.#metrics.levels('nodejs_active_resources').of(type).inc(count);
  }
}
