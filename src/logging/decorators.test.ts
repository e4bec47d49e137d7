import { describe, expect, expectTypeOf, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { capture } from './capture.fixture.ts';
import { logExceptions, logExecutionTime, setupLogging } from './index.ts';

describe('logExecutionTime', () => {
  it('logs seconds, sync and async, success and failure', async () => {
    const { logging, clock, records } = capture();
    const logger = logging.getLogger('jobs');
    const timed = logExecutionTime({ logger, clock });
    const timedLoad = timed(async function load(fail: boolean) {
      await clock.sleep(250);
      if (fail) throw new TypeError('no');
      return 7;
    });
    const loading = timedLoad(false);
    await clock.advance(250);
    expect(await loading).toBe(7);
    const failing = expect(timedLoad(true)).rejects.toThrow('no');
    await clock.advance(250);
    await failing;
    expect(timed((a: number, b: number) => a + b)(1, 2)).toBe(3);
    expect(() => timed(() => JSON.parse('{'))()).toThrow(SyntaxError);
    expect(records()).toMatchObject([
      {
        level: 'INFO',
        message: 'Completed load',
        duration: 0.25,
        outcome: 'success',
        function_name: 'load',
        module: 'decorators.test',
      },
      { message: 'Failed load', duration: 0.25, outcome: 'failure' },
      { message: 'Completed <anonymous>', duration: 0 },
      { message: 'Failed <anonymous>' },
    ]);
  });

  it('keeps this, types, name and length', () => {
    const { logging } = capture();
    function add(this: { readonly base: number }, one: number, other: number): number {
      return this.base + one + other;
    }
    const timed = logExecutionTime({ logger: logging.getLogger('jobs') })(add);
    expectTypeOf(timed).toEqualTypeOf<typeof add>();
    expectTypeOf(logExecutionTime(add)).toEqualTypeOf<typeof add>();
    expect(timed.call({ base: 1 }, 2, 3)).toBe(6);
    expect([timed.name, timed.length]).toEqual(['add', 2]);
  });

  it('decorates methods in every form, and finds the logger of the module', async () => {
    class Orders {
      readonly #total = 40;
      @logExecutionTime
      bare(more: number): number {
        return this.#total + more;
      }
      @logExecutionTime()
      async called(more: number): Promise<number> {
        return this.#total + more;
      }
      @logExecutionTime({ level: 'DEBUG' })
      static configured(): string {
        return 'static';
      }
    }
    const lines: string[] = [];
    const logging = setupLogging({
      level: 'DEBUG',
      environment: 'production',
      files: false,
      mode: 'line',
      console: { write: line => lines.push(line) },
      clock: new VirtualClock(),
    });
    expect(new Orders().bare(2)).toBe(42);
    expect(await new Orders().called(3)).toBe(43);
    expect(Orders.configured()).toBe('static');
    await logging.close();
    expect(lines.map(line => JSON.parse(line))).toMatchObject([
      { logger_name: 'decorators.test', message: 'Completed bare', function_name: 'bare', module: 'decorators.test' },
      { message: 'Completed called', function_name: 'called' },
      { message: 'Completed configured', level: 'DEBUG' },
    ]);
  });
});

describe('logExceptions', () => {
  it('logs the error with its stack and lets it pass, sync and async', async () => {
    const { logging, records } = capture();
    const guard = logExceptions({ logger: logging.getLogger('jobs') });
    const error = new TypeError('no', { cause: new RangeError('inner') });
    const sync = guard(function parse(): never {
      throw error;
    });
    expect(sync).toThrow(error);
    await expect(guard(async () => Promise.reject(error))()).rejects.toBe(error);
    expect(guard(() => 1)()).toBe(1);
    expect(records()).toHaveLength(2);
    expect(records()[0]).toMatchObject({
      level: 'ERROR',
      message: 'Exception in parse',
      function_name: 'parse',
      error: { name: 'TypeError', stack: expect.stringContaining('decorators.test'), cause: { message: 'inner' } },
    });
  });

  it('swallows when told so, and the type says it', async () => {
    const { logging, records } = capture();
    const swallow = logExceptions({ logger: logging.getLogger('jobs'), reraise: false });
    const parse = swallow((text: string): number => JSON.parse(text));
    const load = swallow(async (text: string): Promise<number> => JSON.parse(text));
    expectTypeOf(parse).returns.toEqualTypeOf<number | undefined>();
    expectTypeOf(load).returns.toEqualTypeOf<Promise<number | undefined>>();
    expect(parse('{')).toBeUndefined();
    expect(await load('{')).toBeUndefined();
    expect(await load('7')).toBe(7);
    expect(records()).toHaveLength(2);
  });

  it('stacks with logExecutionTime on one method, in both orders', async () => {
    const { logging, records } = capture();
    const logger = logging.getLogger('jobs');
    class Jobs {
      @logExecutionTime({ logger })
      @logExceptions({ logger })
      async one(): Promise<void> {
        throw new TypeError('one');
      }
      @logExceptions({ logger, reraise: false })
      @logExecutionTime({ logger })
      two(): number | undefined {
        throw new TypeError('two');
      }
    }
    await expect(new Jobs().one()).rejects.toThrow('one');
    expect(new Jobs().two()).toBeUndefined();
    expect(records().map(record => record['message'])).toEqual([
      'Exception in one',
      'Failed one',
      'Failed two',
      'Exception in two',
    ]);
  });
});
