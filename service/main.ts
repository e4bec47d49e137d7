import { once } from 'node:events';
import { ConfigurationError, PlinthError } from 'plinth/errors';
import { systemClock } from 'plinth/kernel';
import { startService } from './service.ts';

/** How long closing may take before the process ends all the same, in milliseconds. */
const closeTimeoutMs = 15_000;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  const startedMs = systemClock.monotonic();
  const seconds = (): string => `${((systemClock.monotonic() - startedMs) / 1_000).toFixed(1)} s`;
  print('Plinth is starting');
  const ending = endOnSignals();
  try {
    const service = await startService({
      onProgress: step => print(`  ${seconds().padStart(6)}  ${step}`),
      signal: ending,
    });
    print(`  ${seconds().padStart(6)}  routes`);
    for (const { method, path, summary } of service.server.routes())
      print(`          ${method.padEnd(7)} ${path}  ${summary ?? ''}`);
    print(`\n  Console and API: ${service.url}   (Ctrl-C ends)\n`);
    if (!ending.aborted) await once(ending, 'abort');
    await service.close();
  } catch (error) {
    if (!ending.aborted || error !== ending.reason) throw error;
  }
  print('Closed');
}

/** npm passes on the Ctrl-C that the terminal has sent already: what comes so soon is the same one, in milliseconds. */
const sameSignalMs = 1_000;

/** @returns what the first signal aborts: what is under way may finish. The second signal does not wait. */
function endOnSignals(): AbortSignal {
  const ending = new AbortController();
  let endingSinceMs = 0;
  const end = (signal: NodeJS.Signals): void => {
    const nowMs = systemClock.monotonic();
    if (ending.signal.aborted) {
      if (nowMs - endingSinceMs > sameSignalMs) process.exit(130);
      return;
    }
    endingSinceMs = nowMs;
    print(`\n${signal}: finishing what is under way`);
    systemClock.setTimer(closeTimeoutMs, () => fail(`Closing took more than ${closeTimeoutMs / 1_000} s`));
    ending.abort();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  return ending.signal;
}

function fail(error: unknown): void {
  process.stderr.write(`\n${explain(error)}\n`);
  if (error instanceof ConfigurationError) {
    process.stderr.write('\nAll settings and where they come from: npm run doctor\n');
  }
  process.exit(1);
}

/** What the person at the terminal can mend is said without a stack. */
function explain(error: unknown): string {
  if (error instanceof PlinthError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

await main().catch(fail);
