import { describe, expect, it } from 'vitest';
import { CallSites } from './call-site.ts';

describe('CallSites', () => {
  const sites = new CallSites(10, 0);
  const where = (): ReturnType<CallSites['capture']> => sites.capture(where);

  it('names functions, async functions and methods', async () => {
    async function loadOrders(): Promise<string | undefined> {
      await null;
      return where()?.functionName;
    }
    class Orders {
      list(): string | undefined {
        return where()?.functionName;
      }
      static all(): string | undefined {
        return where()?.functionName;
      }
      get size(): string | undefined {
        return where()?.functionName;
      }
    }
    expect(await loadOrders()).toBe('loadOrders');
    expect(new Orders().list()).toBe('list');
    expect(Orders.all()).toBe('all');
    expect(new Orders().size).toBe('size');
    expect([1].map(() => where()?.functionName)).toEqual(['<anonymous>']);
  });

  it('names the module, the file and a line', () => {
    expect(where()).toMatchObject({
      module: 'call-site.test',
      file: 'call-site.test.ts',
      lineNumber: expect.any(Number),
    });
  });

  it('grants a number of captures per second', () => {
    const budget = new CallSites(3, 0);
    expect([0, 0, 0, 0].map(now => budget.grant(now))).toEqual([true, true, true, false]);
    expect(budget.grant(333)).toBe(false);
    expect(budget.grant(334)).toBe(true);
    expect([10_000, 10_000, 10_000, 10_000].map(now => budget.grant(now))).toEqual([true, true, true, false]);
  });

  it('leaves the settings of Error as they were', () => {
    const { stackTraceLimit, prepareStackTrace } = Error;
    where();
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    expect(Error.prepareStackTrace).toBe(prepareStackTrace);
  });
});
