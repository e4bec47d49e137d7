import { type CachedFunction, cached, type LoadContext, MemoryCache } from 'plinth/cache';
import { describe, expectTypeOf, it } from 'vitest';

// The compiler is the test: a line below `@ts-expect-error` that compiles is an error. Nothing here is run.

interface User {
  readonly id: string;
  readonly visits: number;
}

const cache = new MemoryCache<unknown>();
const fetchUser = async (id: string, page?: number): Promise<User> => ({ id, visits: page ?? 0 });

describe('cached', () => {
  it('has the arguments and the value of its function', () => {
    const memo = cached(fetchUser);
    expectTypeOf(memo).toEqualTypeOf<CachedFunction<[id: string, page?: number], User>>();
    expectTypeOf(memo('7', 2)).toEqualTypeOf<Promise<User>>();
    expectTypeOf(memo.valueOrPromise('7')).toEqualTypeOf<User | Promise<User>>();
    expectTypeOf(memo.forget('7')).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(memo.with(cache)).toEqualTypeOf<typeof memo>();
    // @ts-expect-error an argument of another type
    void memo(7);
    // @ts-expect-error an argument is missing
    memo.keyOf();
    // @ts-expect-error a function that is not asynchronous has nothing to wait for
    cached((id: string) => id);
  });

  it('knows the arguments in the function that makes keys', () => {
    cached(fetchUser, { key: (id, page) => `${id.trim()} ${page?.toFixed()}` });
    // @ts-expect-error a key is text
    cached(fetchUser, { key: (_id, page) => page });
    // @ts-expect-error there is no such option
    cached(fetchUser, { ttl: 5 });
  });

  it('gives the function its load as `this`', () => {
    const memo = cached(async function (id: string) {
      expectTypeOf(this.signal).toEqualTypeOf<AbortSignal>();
      this.keep({ ttlMs: 5 });
      return id.length;
    });
    expectTypeOf(memo('7')).toEqualTypeOf<Promise<number>>();
    cached(async function (this: LoadContext<number>, id: string) {
      expectTypeOf(this.older?.value).toEqualTypeOf<number | undefined>();
      return id.length;
    });
    // @ts-expect-error a method is called on its object: take an arrow function around it
    cached(async function (this: User, id: string) {
      return this.id + id;
    });
  });

  it('decorates asynchronous methods', () => {
    class Users {
      readonly tenant = 'one';

      @cached({ ttlMs: 60_000 })
      async find(id: string): Promise<User> {
        return { id, visits: 0 };
      }

      @cached({
        cache,
        key(this: Users, id: string) {
          return `${this.tenant}:${id}`;
        },
      })
      async findShared(id: string): Promise<User> {
        return { id, visits: 0 };
      }

      // @ts-expect-error a method that is not asynchronous has nothing to wait for
      @cached()
      count(): number {
        return 1;
      }

      // @ts-expect-error the key is made of another argument than the method has
      @cached({ key: (id: number) => `${id}` })
      async byName(name: string): Promise<User> {
        return { id: name, visits: 0 };
      }
    }
    expectTypeOf(new Users().find('7')).toEqualTypeOf<Promise<User>>();
    expectTypeOf<Parameters<Users['findShared']>>().toEqualTypeOf<[id: string]>();
  });
});
