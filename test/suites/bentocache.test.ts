import { afterAll, afterEach, assert, beforeAll, describe, it } from 'vitest';
import { serverOrSkip } from '../servers/require.ts';
import { CacheDriver, type DriverOptions } from './bentocache-driver.ts';
import { published, publishedOrSkip } from './published.ts';
import { makeSubject, type SuiteSubject, subjectKinds } from './subjects.ts';

type Undo = () => unknown;

interface CheckContext {
  readonly assert: typeof assert;
  cleanup(undo: Undo): void;
}

/** What the suite needs of its runner, which is Japa: the part of it that can be done with vitest. */
interface DriverSuite {
  registerCacheDriverTestSuite(options: {
    test(name: string, check: (context: CheckContext) => Promise<void>): void;
    group: {
      setup(before: () => Promise<Undo>): void;
      tap(configure: unknown): void;
      readonly each: { teardown(after: () => Promise<void>): void };
    };
    createDriver(options?: DriverOptions): CacheDriver;
  }): void;
}

const isInstalled = publishedOrSkip('bentocache');
const hasRedis = serverOrSkip('redis-server') !== undefined;

describe.each(subjectKinds)('the driver suite of bentocache on a $kind cache', ({ kind, needsRedis }) => {
  if (!isInstalled || (needsRedis && !hasRedis)) {
    it.skip('is not run: see what was skipped above', () => {});
    return;
  }
  let subject: SuiteSubject;
  // The group's own set-up is the first thing in which a driver is made.
  const setup = (before: () => Promise<Undo>): void =>
    beforeAll(async () => {
      subject = await makeSubject(kind);
      return (await before()) as () => Promise<void>;
    });
  afterAll(async () => subject?.close());

  published<DriverSuite>('bentocache/test_suite').registerCacheDriverTestSuite({
    test: (name, check) =>
      it(name, ({ onTestFinished }) => check({ assert, cleanup: undo => onTestFinished(undo as () => void) })),
    group: {
      setup,
      tap: () => {},
      each: { teardown: after => afterEach(after) },
    },
    createDriver: options => new CacheDriver(subject.cache, { prefix: 'driver', ...options }),
  });
});
