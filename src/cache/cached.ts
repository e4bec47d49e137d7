import {
  type Cacheable,
  type CachedFunction,
  type CachedOptions,
  cacheFunction,
  requireCachedOptions,
} from './cached-function.ts';

/** How a method is cached whose key is made by a function, which has the instance as `this`. */
export interface CachedMethodOptions<This, Args extends readonly unknown[]> extends Omit<CachedOptions, 'key'> {
  /** The key of a call, after the prefix. */
  readonly key: (this: This, ...args: Args) => string;
}

/** An asynchronous method. */
export type AsyncMethod<This, Args extends readonly unknown[], Value> = (this: This, ...args: Args) => Promise<Value>;

/** Puts a cached method in the place of a method. */
export type CachedMethodDecorator<This, Args extends readonly unknown[]> = <Value>(
  method: AsyncMethod<This, Args, Value>,
  context: ClassMethodDecoratorContext<This, AsyncMethod<This, Args, Value>>,
) => AsyncMethod<This, Args, Value>;

/** Puts a cached method in the place of any asynchronous method. */
export type CachedDecorator = <This extends object, Args extends readonly unknown[], Value>(
  method: AsyncMethod<This, Args, Value>,
  context: ClassMethodDecoratorContext<This, AsyncMethod<This, Args, Value>>,
) => AsyncMethod<This, Args, Value>;

/**
 * Keeps what an asynchronous function gives, by its arguments: it runs once for any number of callers that ask for the same
 * at the same time, and not again while its value is fresh. What it throws is not kept.
 *
 * The function may take the `LoadContext` as `this`: the key, a signal, the older value, and how long to keep the new one.
 * As a decorator, `@cached(options)`, it keeps what a method gives: without `cache` each instance has memory of its own;
 * in a cache that is given, all instances of the class share what has the same key.
 *
 * Values are shared with everybody who asks: do not change them.
 *
 * @throws {ArgumentError} for an option that is out of bounds; a call rejects with it when its arguments give no key.
 * @example
 * const loadUser = cached(async (id: string) => fetchUser(id), { ttlMs: 60_000 });
 * const user = await loadUser('7');
 * await loadUser.forget('7');
 *
 * class Reports {
 *   @cached({ cache, keyPrefix: 'report', ttlMs: 600_000 })
 *   async build(city: string, page: number): Promise<Report> { … }
 * }
 */
export function cached<Args extends readonly unknown[], Value>(
  fn: Cacheable<Args, Value>,
  options?: NoInfer<CachedOptions<Args>>,
): CachedFunction<Args, Value>;
export function cached<This extends object, Args extends readonly unknown[]>(
  options: CachedMethodOptions<This, Args>,
): CachedMethodDecorator<This, Args>;
export function cached(options?: Omit<CachedOptions, 'key'>): CachedDecorator;
export function cached(
  subject:
    | Cacheable<readonly unknown[], unknown>
    | CachedOptions
    | CachedMethodOptions<object, readonly unknown[]> = {},
  options: CachedOptions = {},
): CachedFunction<readonly unknown[], unknown> | CachedDecorator {
  return typeof subject === 'function' ? cacheFunction(subject, options) : cacheMethod(subject);
}

function cacheMethod(options: CachedOptions | CachedMethodOptions<object, readonly unknown[]>): CachedDecorator {
  requireCachedOptions(options);
  return <This extends object, Args extends readonly unknown[], Value>(
    method: AsyncMethod<This, Args, Value>,
    context: ClassMethodDecoratorContext<This, AsyncMethod<This, Args, Value>>,
  ) => {
    const byInstance = new WeakMap<object, CachedFunction<Args, Value>>();
    return function (this: This, ...args: Args): Promise<Value> {
      let call = byInstance.get(this);
      if (call === undefined) {
        const { keyPrefix = `${classNameOf(this)}.${String(context.name)}`, key } = options;
        call = cacheFunction((...given: Args) => Reflect.apply(method, this, given), {
          ...options,
          keyPrefix,
          key: key?.bind(this) as ((...args: Args) => string) | undefined,
        });
        byInstance.set(this, call);
      }
      return call(...args);
    };
  };
}

/** The class of an instance, or the class itself for what is static. */
function classNameOf(instance: object): string {
  return typeof instance === 'function' ? instance.name : instance.constructor.name;
}
