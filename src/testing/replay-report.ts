import type { Replay } from './replay.ts';
import type { ReplayTotals } from './replay-totals.ts';

const lines: readonly (readonly [keyof ReplayTotals, string])[] = [
  ['calls', 'calls'],
  ['fresh', 'answered, fresh'],
  ['covered', 'answered, covered'],
  ['rejected', 'refused by us'],
  ['failed', 'failed by them'],
  ['attempts', 'attempts at the dependency'],
  ['medianMs', 'median, ms'],
  ['p99Ms', '99th percentile, ms'],
];

/**
 * A replay as a table for people: what was, what would have been, and the difference.
 *
 * @example
 * print(replayReport(await replay(records, { guard })));
 */
export function replayReport({ recorded, replayed, endless }: Replay): string {
  const rows = lines.map(([name, title]) => {
    const change = Math.round(replayed[name]) - Math.round(recorded[name]);
    return row(
      title,
      figure(recorded[name]),
      figure(replayed[name]),
      change > 0 ? `+${figure(change)}` : figure(change),
    );
  });
  if (endless > 0) rows.push(row('calls without an end', '', figure(endless), ''));
  return [row('', 'recorded', 'replayed', 'change'), ...rows].join('\n');
}

function row(title: string, ...cells: readonly string[]): string {
  return `${title.padEnd(28)}${cells.map(cell => cell.padStart(12)).join('')}`.trimEnd();
}

function figure(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
