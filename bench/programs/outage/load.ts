/**
 * The process of one candidate: a dependency that counts, and users who do not wait for each other. Prints what happened.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/outage/load.ts "p-retry" 60
 */
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UpstreamError } from 'plinth/errors';
import { type Ask, candidates } from './candidates.ts';

/** One part of a run. */
export interface Phase {
  /** Requests of users. */
  requests: number;
  /** Of these, how many were answered. */
  answered: number;
  /** How often the dependency was asked. */
  calls: number;
}

/** What happened before, during and after the outage. */
export type Phases = readonly [before: Phase, during: Phase, after: Phase];

const burst = 10;
const burstEveryMs = 50;
const answerAfterMs = 5;

const [, , name = '', seconds = '60'] = process.argv;
const durationMs = Number(seconds) * 1_000;
const request = candidates[name]?.(durationMs / 60_000);
if (request === undefined || !(durationMs > 0)) throw new RangeError(`Cannot run "${name}" for ${seconds} seconds`);

const newPhase = (): Phase => ({ requests: 0, answered: 0, calls: 0 });
const phases: Phases = [newPhase(), newPhase(), newPhase()];
const startMs = performance.now();

/** The dependency is down in the middle half of the run. */
function phaseNow(): Phase {
  const part = (performance.now() - startMs) / durationMs;
  return phases[part < 0.25 ? 0 : part < 0.75 ? 1 : 2];
}

const server = createServer((_, response) => {
  const phase = phaseNow();
  phase.calls += 1;
  response.statusCode = phase === phases[1] ? 503 : 200;
  setTimeout(() => response.end('answer'), answerAfterMs);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const agent = new Agent({ keepAlive: true });

const ask: Ask = async () => {
  const [response] = (await once(get({ host: '127.0.0.1', port, agent }), 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new UpstreamError(`Answered ${response.statusCode}`, response.statusCode ?? 0);
};

const running = new Set<Promise<void>>();

function arrive(): void {
  const phase = phaseNow();
  phase.requests += 1;
  const call: Promise<void> = request?.(ask).then(
    () => {
      phase.answered += 1;
      running.delete(call);
    },
    () => {
      running.delete(call);
    },
  ) as Promise<void>;
  running.add(call);
}

let bursts = 0;
await new Promise<void>(resolve => {
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startMs;
    for (; bursts * burstEveryMs <= Math.min(elapsedMs, durationMs - 1); bursts += 1) {
      for (let count = 0; count < burst; count += 1) arrive();
    }
    if (elapsedMs < durationMs) return;
    clearInterval(timer);
    resolve();
  }, burstEveryMs / 5);
});
await Promise.all(running);
process.stdout.write(`${JSON.stringify(phases)}\n`);
process.exit();
