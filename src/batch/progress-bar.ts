import { type EventSource, formatDuration, requireDuration, type Subscription } from '../kernel/index.ts';
import type { BatchEnd, BatchEvents, BatchProgress } from './events.ts';

/** What a progress bar needs of a stream: `process.stderr` has it. */
export interface ProgressStream {
  write(text: string): unknown;
  /** Whether it is a terminal, on which a line can be written again. */
  readonly isTTY?: boolean | undefined;
  /** How wide the terminal is. */
  readonly columns?: number | undefined;
}

/** How a progress bar is drawn. */
export interface ProgressBarOptions {
  /** Where it is drawn. */
  readonly stream: ProgressStream;
  /** How often a line is written where no line can be written again, in milliseconds. @default 10_000 */
  readonly lineIntervalMs?: number | undefined;
}

/**
 * Shows the batches of a processor on a terminal: one line that is written again and again, and stays when the batch has
 * ended. On anything else, such as a file or the log of a container, a plain line now and then.
 *
 * @returns the subscription: unsubscribe to stop showing.
 * @throws {ArgumentError} when the interval is unusable.
 * @example
 * using bar = progressBar(processor.events, { stream: process.stderr });
 * await processor.processBatch(names);
 */
export function progressBar(
  events: EventSource<Pick<BatchEvents, 'started' | 'progress' | 'ended'>>,
  options: ProgressBarOptions,
): Subscription {
  const { stream } = options;
  const lineIntervalMs = requireDuration('lineIntervalMs', options.lineIntervalMs ?? 10_000, 1);
  const columns = (): number => stream.columns || 80;
  let writtenMs = 0;
  const subscriptions = [
    events.on('started', () => {
      writtenMs = 0;
    }),
    events.on('progress', progress => {
      if (stream.isTTY) stream.write(`\r${barLine(progress, columns())}\x1b[K`);
      else if (progress.elapsedMs - writtenMs >= lineIntervalMs) {
        writtenMs = progress.elapsedMs;
        stream.write(`${plainLine(progress)}\n`);
      }
    }),
    events.on('ended', end => {
      stream.write(stream.isTTY ? `\r${barLine(end, columns())}\x1b[K\n` : `${plainLine(end)}\n`);
    }),
  ];
  const unsubscribe = (): void => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
  return { unsubscribe, [Symbol.dispose]: unsubscribe };
}

/** The widest bar, and the narrowest that says anything. */
const maxCells = 30;
const minCells = 5;

/** `labels [=====>    ] 52% 5200/10000, …`, never wider than the terminal. */
function barLine(progress: BatchProgress | BatchEnd, columns: number): string {
  const share = shareOf(progress);
  const facts = factsOf(progress);
  // The last column stays free: some terminals begin a new line when it is written.
  const room = columns - 1;
  const cells = Math.min(maxCells, room - progress.name.length - facts.length - '  []'.length);
  const bar = share === undefined || cells < minCells ? '' : ` [${cellsOf(share, cells)}]`;
  return `${progress.name}${bar} ${facts}`.slice(0, Math.max(0, room));
}

function plainLine(progress: BatchProgress | BatchEnd): string {
  return `${progress.name} ${factsOf(progress)}`;
}

function cellsOf(share: number, cells: number): string {
  const full = Math.floor(share * cells);
  return full >= cells ? '='.repeat(cells) : `${'='.repeat(full)}>`.padEnd(cells);
}

function factsOf(progress: BatchProgress | BatchEnd): string {
  const { done, failed, recorded, total, ratePerSecond, etaMs, elapsedMs, state } = progress;
  const share = shareOf(progress);
  const facts = [share === undefined ? `${done}` : `${Math.floor(share * 100)}% ${done}/${total}`];
  if (failed > 0) facts.push(`${failed} failed`);
  if (recorded > 0) facts.push(`${recorded} from the checkpoint`);
  if (ratePerSecond > 0) facts.push(`${ratePerSecond.toFixed(ratePerSecond < 10 ? 1 : 0)}/s`);
  if (etaMs !== undefined && etaMs > 0) facts.push(`${seconds(etaMs)} left`);
  if ('outcome' in progress) facts.push(`${progress.outcome} after ${seconds(elapsedMs)}`);
  else if (state !== 'running') facts.push(state);
  return facts.join(', ');
}

function shareOf({ done, total }: BatchProgress): number | undefined {
  if (total === undefined) return undefined;
  return total === 0 ? 1 : Math.min(1, done / total);
}

function seconds(durationMs: number): string {
  return formatDuration(Math.max(1, Math.ceil(durationMs / 1_000)) * 1_000);
}
