import type { LawRule } from './rules.ts';

/** A place where a law does not hold, and why. */
export interface LawException {
  readonly rule: LawRule;
  /** A folder (ends with `/`) or a file. */
  readonly place: string;
  /** For `function-length`: the only function of the place that is excused. */
  readonly name?: string;
  readonly reason: string;
}

/** Every exception from the laws. One that excuses nothing any more fails the tests. */
export const lawExceptions: readonly LawException[] = [
  { rule: 'ambient-clock', place: 'src/kernel/', reason: 'holds the clock that all others are given' },
  { rule: 'ambient-timer', place: 'src/kernel/', reason: 'holds the timers that all others are given' },
  {
    rule: 'ambient-random',
    place: 'src/kernel/',
    reason: 'holds the randomness and the ids that all others are given',
  },
  { rule: 'ambient-environment', place: 'src/settings/', reason: 'the one room that reads the environment' },
  {
    rule: 'ambient-environment',
    place: 'src/logging/environment.ts',
    reason: 'logging may be set up before the settings are read',
  },
  { rule: 'ambient-timer', place: 'src/testing/', reason: 'the virtual clock yields one turn of the real event loop' },
  {
    rule: 'module-state',
    place: 'src/context/request-context.ts',
    reason: 'one AsyncLocalStorage for the process: each more slows every promise',
  },
  {
    rule: 'import-effect',
    place: 'src/database/embedded-worker.ts',
    reason: 'the entry of a worker thread: loading it is starting it',
  },
];
