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

/** What is happening to an import while the service has not said yet that it did. */
export const steeringWords: Readonly<Record<ImportAction, string>> = {
  pause: 'pausing',
  resume: 'resuming',
  stop: 'stopping',
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

/**
 * How fast it is and what is left, in words, without the counts: at its present pace while it runs, if that is known, and
 * on the whole when it is over.
 */
export function paceOf(one: ImportState, perSecond: number | undefined): readonly string[] {
  const earlier = one.recorded > 0 ? [`${formatCount(one.recorded)} from an earlier run`] : [];
  if (one.state === 'running') return [...presentPace(one, perSecond), ...earlier];
  return isUnderWay(one) ? earlier : [...wholePace(one), ...earlier];
}

function presentPace({ total, done }: ImportState, perSecond: number | undefined): readonly string[] {
  if (perSecond === undefined) return ['time left unknown'];
  const left =
    perSecond > 0 ? `${formatSpan(Math.ceil((total - done) / perSecond) * 1_000)} left` : 'time left unknown';
  return [`${formatRate(perSecond)} per second`, left];
}

function wholePace({ done, recorded, elapsedMs }: ImportState): readonly string[] {
  // What was only read again says nothing about the pace.
  const worked = done - recorded;
  if (worked <= 0 || elapsedMs <= 0) return [];
  const took = elapsedMs < 1_000 ? 'under 1 s' : formatSpan(elapsedMs);
  return [`${formatRate((worked / elapsedMs) * 1_000)} per second`, `took ${took}`];
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
