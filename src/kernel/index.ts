export { abortReason, isAbortError, untilAborted } from './abort.ts';
export { type Clock, sleepOn, systemClock, type Timer, type TimerOptions } from './clock.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { type EventSource, Events, type Subscription } from './events.ts';
export { type Ids, systemIds } from './ids.ts';
export { makeDirectory } from './make-directory.ts';
export { type Random, systemRandom } from './random.ts';
export { Secret } from './secret.ts';
export { SingleFlight } from './single-flight.ts';
