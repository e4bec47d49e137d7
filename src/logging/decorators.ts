import { type Clock, systemClock } from '../kernel/index.ts';
import { type CallSite, captureDecorationSite, createCallSite, type Entry } from './call-site.ts';
import { emitAt } from './emit.ts';
import type { LogLevel } from './levels.ts';
import type { Logger } from './logger.ts';
import { getLogger } from './setup.ts';

/** Any function or method. */
export type AnyFunction = (...args: never[]) => unknown;

/** How execution times are logged. */
export interface LogExecutionTimeOptions {
  /** The logger. @default one named after the file in which the function is decorated */
  readonly logger?: Logger | undefined;
  /** The level of the line. @default INFO */
  readonly level?: LogLevel | undefined;
  /** The clock that measures. @default systemClock */
  readonly clock?: Clock | undefined;
}

/** How exceptions are logged. */
export interface LogExceptionsOptions {
  /** The logger. @default one named after the file in which the function is decorated */
  readonly logger?: Logger | undefined;
  /** Whether the exception goes on to the caller after it was logged; without, the function returns undefined. @default true */
  readonly reraise?: boolean | undefined;
}

/** Wraps a function or decorates a method, and leaves its type as it is. */
export type KeepingDecorator = <Method extends AnyFunction>(
  method: Method,
  context?: ClassMethodDecoratorContext,
) => Method;

/** Wraps a function or decorates a method that may then also return undefined. */
export type SwallowingDecorator = <This, Args extends unknown[], Result>(
  method: (this: This, ...args: Args) => Result,
  context?: ClassMethodDecoratorContext,
) => (this: This, ...args: Args) => Swallowed<Result>;

/** What a function returns whose exceptions are swallowed. */
export type Swallowed<Result> =
  Result extends PromiseLike<infer Value> ? Promise<Value | undefined> : Result | undefined;

/**
 * Logs how long a function takes, in seconds under `duration`, and whether it succeeded; sync and async. `this`, the
 * types, `name` and `length` are kept. The line's function is the decorated one; its line number is that of the decoration.
 *
 * @example
 * const fetchData = logExecutionTime(async (id: string) => load(id));
 *
 * class Orders {
 *   @logExecutionTime({ logger: getLogger('orders') })
 *   async list() {}
 * }
 */
export function logExecutionTime<Method extends AnyFunction>(
  method: Method,
  context?: ClassMethodDecoratorContext,
): Method;
export function logExecutionTime(options?: LogExecutionTimeOptions): KeepingDecorator;
export function logExecutionTime<Method extends AnyFunction>(
  subject: Method | LogExecutionTimeOptions = {},
): Method | KeepingDecorator {
  const site = captureDecorationSite(logExecutionTime);
  if (typeof subject === 'function') return timed(subject, {}, site);
  return <Other extends AnyFunction>(method: Other): Other => timed(method, subject, site);
}

/**
 * Logs what a function throws, or rejects with, with its stack; sync and async. With `reraise: false` the exception ends
 * there and the function returns undefined. Can be stacked with {@link logExecutionTime}, in both orders.
 *
 * @example
 * const safe = logExceptions({ reraise: false })(parse);
 * safe('{'); // undefined, and a line with the error
 */
export function logExceptions<Method extends AnyFunction>(
  method: Method,
  context?: ClassMethodDecoratorContext,
): Method;
export function logExceptions(options: LogExceptionsOptions & { readonly reraise: false }): SwallowingDecorator;
export function logExceptions(options?: LogExceptionsOptions): KeepingDecorator;
export function logExceptions<Method extends AnyFunction>(
  subject: Method | LogExceptionsOptions = {},
): Method | KeepingDecorator | SwallowingDecorator {
  const site = captureDecorationSite(logExceptions);
  if (typeof subject === 'function') return guarded(subject, {}, site);
  return <Other extends AnyFunction>(method: Other): Other => guarded(method, subject, site);
}

function timed<Method extends AnyFunction>(
  method: Method,
  options: LogExecutionTimeOptions,
  site: CallSite | undefined,
): Method {
  const { level = 'INFO', clock = systemClock } = options;
  const place = placeOf(method, site);
  const logger = options.logger ?? getLogger(site?.module ?? 'app');
  return wrap(method, call => {
    const startedMs = clock.monotonic();
    const report = (outcome: 'success' | 'failure'): void => {
      const duration = Math.round((clock.monotonic() - startedMs) * 1_000) / 1_000_000;
      const message = outcome === 'success' ? `Completed ${place.functionName}` : `Failed ${place.functionName}`;
      emitAt(place, logger, level, message, { duration, outcome });
    };
    return settle(
      call,
      result => {
        report('success');
        return result;
      },
      error => {
        report('failure');
        throw error;
      },
    );
  });
}

function guarded<Method extends AnyFunction>(
  method: Method,
  options: LogExceptionsOptions,
  site: CallSite | undefined,
): Method {
  const place = placeOf(method, site);
  const logger = options.logger ?? getLogger(site?.module ?? 'app');
  return wrap(method, call =>
    settle(
      call,
      result => result,
      error => {
        emitAt(place, logger, 'ERROR', `Exception in ${place.functionName}`, { error });
        if (options.reraise !== false) throw error;
        return undefined;
      },
    ),
  );
}

/** Runs a call and one of two ends, at once or when its promise settles. */
function settle(
  call: () => unknown,
  succeed: (result: unknown) => unknown,
  fail: (error: unknown) => unknown,
): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return fail(error);
  }
  return isPromiseLike(result) ? result.then(succeed, fail) : succeed(result);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function wrap<Method extends AnyFunction>(method: Method, around: (call: () => unknown) => unknown): Method {
  function wrapped(this: unknown, ...args: unknown[]): unknown {
    return around(() => Reflect.apply(method, this, args));
  }
  Object.defineProperty(wrapped, 'name', { value: method.name, configurable: true });
  Object.defineProperty(wrapped, 'length', { value: method.length, configurable: true });
  // The wrapper takes and returns what the method does; the compiler cannot see that through Reflect.apply.
  return wrapped as unknown as Method;
}

function placeOf(method: Entry, site: CallSite | undefined): CallSite {
  return createCallSite(method.name === '' ? '<anonymous>' : method.name, site?.lineNumber ?? 0, site?.file ?? '');
}
