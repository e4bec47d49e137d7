/** Takes a listener away again. Also usable with `using`. */
export interface Subscription extends Disposable {
  /** Stops the listener. Does nothing the second time. */
  unsubscribe(): void;
}

/** The side of {@link Events} that a room shows to others: listening only. */
export interface EventSource<EventMap extends object> {
  /**
   * Calls the listener at every event of this type, in the order of subscription, synchronously.
   *
   * @example
   * const subscription = breaker.events.on('opened', event => alert(event.name));
   */
  on<Type extends keyof EventMap>(type: Type, listener: (event: EventMap[Type]) => void): Subscription;
}

/**
 * The typed event stream of a room. Rooms do not log and know no metrics: they emit, and others subscribe. Without a
 * listener an event costs one property read, if the emitter asks {@link Events.has} before it builds the event.
 *
 * A listener that throws does not disturb the emitter or the other listeners: its error becomes a process warning.
 */
export class Events<EventMap extends object> implements EventSource<EventMap> {
  readonly #listeners: { [Type in keyof EventMap]?: readonly ((event: EventMap[Type]) => void)[] } = {};

  on<Type extends keyof EventMap>(type: Type, listener: (event: EventMap[Type]) => void): Subscription {
    const entry = (event: EventMap[Type]): void => listener(event);
    this.#listeners[type] = [...(this.#listeners[type] ?? []), entry];
    const unsubscribe = (): void => {
      const remaining = this.#listeners[type]?.filter(candidate => candidate !== entry) ?? [];
      if (remaining.length === 0) delete this.#listeners[type];
      else this.#listeners[type] = remaining;
    };
    return { unsubscribe, [Symbol.dispose]: unsubscribe };
  }

  /** Whether anybody listens to this type, so that the event need not be built otherwise. */
  has(type: keyof EventMap): boolean {
    return this.#listeners[type] !== undefined;
  }

  /** Tells every listener of this type. */
  emit<Type extends keyof EventMap>(type: Type, event: EventMap[Type]): void {
    const listeners = this.#listeners[type];
    if (listeners === undefined) return;
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error), 'EventListenerWarning');
      }
    }
  }
}
