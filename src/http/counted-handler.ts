import type { Dispatcher } from 'undici';

/** What is counted of the requests to one origin. */
export interface OriginCounts {
  requests: number;
  active: number;
}

/** Passes everything on, and counts a request as under way until its answer begins or it fails. */
export class CountedHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  #counts: OriginCounts | undefined;

  constructor(handler: Dispatcher.DispatchHandler, counts: OriginCounts) {
    this.#handler = handler;
    this.#counts = counts;
  }

  onRequestStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestStart']>>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onRequestUpgrade(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestUpgrade']>>): void {
    this.#end();
    this.#handler.onRequestUpgrade?.(...args);
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    if (args[1] >= 200) this.#end();
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseData']>>): void {
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseError']>>): void {
    this.#end();
    this.#handler.onResponseError?.(...args);
  }

  #end(): void {
    if (this.#counts !== undefined) this.#counts.active -= 1;
    this.#counts = undefined;
  }
}
