import type { Tone } from './call-kind.ts';
import { formatCount, formatSpan } from './format.ts';
import type { ImportState } from './import-wire.ts';

/** What can be done to an import. */
export type ImportAction = 'pause' | 'resume' | 'stop';

const actions: Readonly<Record<ImportState['state'], readonly ImportAction[]>> = {
  running: ['pause', 'stop'],
  paused: ['resume', 'stop'],
  stopped: ['resume'],
  failed: ['resume'],
  completed: [],
};

export const importTones: Readonly<Record<ImportState['state'], Tone>> = {
  running: 'fallback',
  paused: 'stale',
  stopped: 'refused',
  completed: 'ok',
  failed: 'failed',
};

/** What can be done to an import now. */
export function actionsOf({ state }: ImportState): readonly ImportAction[] {
  return actions[state] ?? [];
}

/** Whether an import is not over yet. */
export function isUnderWay({ state }: ImportState): boolean {
  return state === 'running' || state === 'paused';
}

/** How fast it is and what is left, in words, without the counts. */
export function paceOf(one: ImportState): readonly string[] {
  const { state, done, recorded, ratePerSecond, elapsedMs, etaMs } = one;
  const running = state === 'running';
  // What was only read again says nothing about the pace.
  const worked = elapsedMs > 0 && done > recorded;
  return [
    worked && `${formatRate(ratePerSecond)} per second`,
    running && etaMs !== null && `${formatSpan(etaMs)} left`,
    running && etaMs === null && 'time left unknown',
    !running && worked && `took ${formatSpan(elapsedMs)}`,
    recorded > 0 && `${formatCount(recorded)} from an earlier run`,
  ].filter(word => word !== false);
}

/** `0.4`, `2.9`, `120`. */
function formatRate(perSecond: number): string {
  return perSecond < 99.5 ? perSecond.toFixed(1) : formatCount(perSecond);
}

/** The names of a text with one a line. */
export function namesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
}
