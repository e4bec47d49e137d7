import { cpus } from 'node:os';
import type { Rounds } from './measure.ts';

/** The table of one question: each candidate as a ratio to the limit of the same round; 1 is the limit, more is better. */
export function table(rounds: Rounds, limit: string): string {
  const limits = rounds[limit] ?? [];
  const rows = Object.entries(rounds).map(([name, times]) => {
    const ratios = times.map((time, round) => (limits[round] ?? Number.NaN) / time);
    return { name, ratio: median(ratios), range: spread(ratios), time: median(times) };
  });
  const lines = rows
    .sort((a, b) => b.ratio - a.ratio)
    .map(({ name, ratio, range, time }) => {
      const label = name === limit ? `${name} (limit)` : name;
      return `| ${label} | ${figure(ratio)} (${range}) | ${nanoseconds(time)} |`;
    });
  return ['| candidate | ratio to the limit: median (min-max) | CPU time each |', '|---|---|---|', ...lines].join('\n');
}

/** What the figures were made on. */
export function machine(): string {
  const [cpu] = cpus();
  return `Node ${process.versions.node}, ${cpus().length} cores, ${cpu?.model ?? 'unknown CPU'}, ${process.platform}`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [below, above] = [sorted[Math.ceil(middle) - 1] ?? Number.NaN, sorted[Math.floor(middle)] ?? Number.NaN];
  return (below + above) / 2;
}

function spread(values: readonly number[]): string {
  return `${figure(Math.min(...values))}-${figure(Math.max(...values))}`;
}

function figure(value: number): string {
  return value.toPrecision(value >= 1 ? 3 : 2);
}

function nanoseconds(value: number): string {
  return value < 1_000 ? `${Math.round(value)} ns` : `${(value / 1_000).toFixed(value < 100_000 ? 2 : 0)} µs`;
}
