/** The candidates of the questions about logging: 4 bound fields and 2 of the call, to a file of their own. */
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { runWithRequestContext } from 'plinth/context';
import { setupLogging } from 'plinth/logging';
import type { CallCandidate } from './question.ts';

const bound = { tenant: 'acme', region: 'eu-central', route: '/api/orders', version: '1.4.2' };

interface Target {
  readonly log: (index: number) => void;
  readonly flush: () => void;
}

/** Bare pino: what the same line costs without context, redaction, microseconds and call sites. */
export function barePino(mode: 'line' | 'buffered'): CallCandidate {
  return logCandidate(file => {
    const buffering = mode === 'line' ? { sync: true } : { sync: false, minLength: 4_096 };
    const destination = pino.destination({ dest: openSync(file, 'a'), ...buffering });
    const logger = pino({}, destination).child(bound);
    return {
      log: index => logger.info({ duration: 0.456, records: index }, 'API request successful'),
      flush: () => (mode === 'line' ? undefined : destination.flushSync()),
    };
  });
}

/** Ours as in production by default: request and user id from the context, redaction, microseconds, call sites within their budget. */
export function plinthLogging(mode: 'line' | 'buffered'): CallCandidate {
  return logCandidate((_, directory) => {
    const logging = setupLogging({
      environment: 'production',
      level: 'INFO',
      mode,
      console: false,
      directory,
      maxFileBytes: 2 ** 40,
    });
    const logger = logging.getLogger('orders').child(bound);
    return {
      log: index => logger.info('API request successful', { duration: 0.456, records: index }),
      flush: () => logging.flush(),
    };
  });
}

function logCandidate(open: (file: string, directory: string) => Target): CallCandidate {
  const opened: { target?: Target; file?: string } = {};
  const target = (): Target => {
    if (opened.target === undefined) {
      const directory = mkdtempSync(join(tmpdir(), 'plinth-bench-'));
      process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
      opened.file = join(directory, 'app.log');
      opened.target = open(opened.file, directory);
    }
    return opened.target;
  };
  const inContext = <Result>(work: () => Result): Result =>
    runWithRequestContext({ requestId: 'abc-123', userId: 'user123' }, work);
  return {
    check() {
      const { log, flush } = target();
      inContext(() => log(7));
      flush();
      const line = JSON.parse(readFileSync(opened.file ?? '', 'utf8').trim()) as Record<string, unknown>;
      if (line['records'] !== 7 || line['tenant'] !== 'acme') throw new RangeError('The line is not what was logged');
    },
    run(count) {
      const { log, flush } = target();
      inContext(() => {
        for (let index = 0; index < count; index += 1) log(index);
      });
      flush();
      return count;
    },
  };
}
