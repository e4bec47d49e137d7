import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;

/** What is counted of the requests to one origin. */
export interface OriginCounts {
  requests: number;
  active: number;
  errors: number;
}

/** Passes everything on, and counts a request as under way until its answer begins or it fails. */
export class CountedHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #all: OriginCounts;
  #counts: OriginCounts | undefined;

  constructor(handler: Dispatcher.DispatchHandler, counts: OriginCounts) {
    this.#handler = handler;
    this.#all = counts;
    this.#counts = counts;
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(controller: Controller, status: number, headers: IncomingHttpHeaders, socket: Duplex): void {
    this.#end();
    this.#handler.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, statusMessage?: string): void {
    if (status >= 200) this.#end();
    this.#handler.onResponseStart?.(controller, status, headers, statusMessage);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: IncomingHttpHeaders): void {
    this.#handler.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#all.errors += 1;
    this.#end();
    this.#handler.onResponseError?.(controller, error);
  }

  #end(): void {
    if (this.#counts !== undefined) this.#counts.active -= 1;
    this.#counts = undefined;
  }
}
