import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from 'plinth/kernel';
import type { VirtualClock } from 'plinth/testing';
import { expect } from 'vitest';

/** A server with one handler, for answers that the stand-in does not give. */
export async function serve(handler: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(handler);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
}

/** One step of virtual time that the network can follow: it and the threads that decompress work in real time. */
export async function passTime(clock: VirtualClock, durationMs = 20): Promise<void> {
  await clock.advance(durationMs);
  await systemClock.sleep(1);
}

/** Lets virtual time pass until the work has ended: retries and timeouts wait for it, the network does not. */
export async function settle<Value>(clock: VirtualClock, work: Promise<Value>): Promise<Value> {
  let ended = false;
  work.then(
    () => (ended = true),
    () => (ended = true),
  );
  while (!ended) await passTime(clock);
  return work;
}

/** The error that the work ends with. */
export async function failureOf(clock: VirtualClock, work: Promise<unknown>): Promise<unknown> {
  return settle(clock, work).then(
    value => expect.fail(`Expected a failure, got ${JSON.stringify(value)}`),
    error => error,
  );
}
