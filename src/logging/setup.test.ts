import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { getLogger, type Logging, setupLogging } from './index.ts';

let current: Logging | undefined;

afterEach(async () => {
  await current?.close();
});

function install(lines: string[]): Logging {
  current = setupLogging({
    level: 'INFO',
    environment: 'production',
    files: false,
    mode: 'buffered',
    clock: new VirtualClock(),
    console: { write: text => lines.push(...text.trimEnd().split('\n')) },
  });
  return current;
}

describe('setupLogging', () => {
  it('serves loggers that were made before it, and what they said before goes nowhere', async () => {
    const logger = getLogger('app').child({ a: 1 });
    logger.error('too early');
    expect(logger.isEnabled('CRITICAL')).toBe(false);
    const lines: string[] = [];
    const logging = install(lines);
    logger.info('now');
    await logging.close();
    logger.info('too late');
    expect(lines.map(line => JSON.parse(line))).toMatchObject([{ message: 'now', a: 1 }]);
  });

  it('replaces and closes an earlier one, whose end does not take the new one away', async () => {
    const [first, second]: [string[], string[]] = [[], []];
    const logger = getLogger('app');
    const earlier = install(first);
    logger.info('first');
    const later = install(second);
    expect(first).toHaveLength(1);
    await earlier.close();
    logger.info('second');
    later.flush();
    expect(second).toHaveLength(1);
    expect(first).toHaveLength(1);
  });

  it('takes its listeners away with it', async () => {
    const count = (): number => process.listenerCount('exit') + process.listenerCount('uncaughtExceptionMonitor');
    const before = count();
    const logging = install([]);
    expect(count()).toBe(before + 2);
    await logging.close();
    expect(count()).toBe(before);
  });
});
