import type { Clock } from '../kernel/index.ts';

/** What a handler may want to know of the server around it. */
export interface Surroundings {
  readonly clock: Clock;
  /** Aborted when the server begins to end. */
  readonly closing: AbortSignal;
}

const key = Symbol('plinth.surroundings');

/** Attaches them to the framework's app. Its children see them through their prototype. */
export function setSurroundings(app: object, surroundings: Surroundings): void {
  (app as { [key]?: Surroundings })[key] = surroundings;
}

/** What surrounds a route; undefined when its app was not made by a Plinth server. */
export function surroundingsOf(app: object): Surroundings | undefined {
  return (app as { [key]?: Surroundings })[key];
}
