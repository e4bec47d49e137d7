import { findSourceMap } from 'node:module';

/** Where a line was logged. */
export interface CallSite {
  /** The innermost function; `<anonymous>` when it has no name. */
  readonly functionName: string;
  /** The line, counted from 1; through the source map when the process has source maps enabled. */
  readonly lineNumber: number;
  /** The file's name without its extension. */
  readonly module: string;
  /** The file's name. */
  readonly file: string;
  /** The three fields of the JSON record, ready to be joined. */
  readonly json: string;
}

/** What identifies the function whose caller is wanted. */
export type Entry = (...args: never[]) => unknown;

export const unknownSiteJson = ',"function_name":null,"line_number":null,"module":null';

const maxKnownSites = 5_000;
const decoratorPlumbing = /^__(?:decorate|esDecorate|runInitializers|privateIn)/;

export function createCallSite(functionName: string, lineNumber: number, file: string): CallSite {
  const module = file.replace(/(?<=.)\.[^.]*$/, '');
  const json = `,"function_name":${JSON.stringify(functionName)},"line_number":${lineNumber},"module":${JSON.stringify(module)}`;
  return { functionName, lineNumber, module, file, json };
}

/**
 * Finds callers. A capture costs microseconds, so at most `perSecond` are granted on a token bucket; the resolution
 * through source maps is done once per place.
 */
export class CallSites {
  readonly #perSecond: number;
  readonly #known = new Map<string, CallSite>();
  #tokens: number;
  #refilledMs: number;

  constructor(perSecond: number, monotonicMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#refilledMs = monotonicMs;
  }

  /** Whether a line that is not important may have its caller found now. */
  grant(monotonicMs: number): boolean {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return true;
    const refill = ((monotonicMs - this.#refilledMs) * this.#perSecond) / 1_000;
    this.#refilledMs = monotonicMs;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + refill);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** The caller of `entry`, or undefined when the runtime does not tell. */
  capture(entry: Entry): CallSite | undefined {
    const frame = captureFrames(entry, 1)[0];
    if (frame === undefined) return undefined;
    const position = `${fileOf(frame)}:${frame.getLineNumber()}:${frame.getColumnNumber()}`;
    const known = this.#known.get(position);
    if (known !== undefined) return known;
    const site = resolve(frame);
    if (site === undefined) return undefined;
    if (this.#known.size >= maxKnownSites) this.#known.clear();
    this.#known.set(position, site);
    return site;
  }
}

/** The caller of `entry`, looking through the functions that compilers make for decorators. */
export function captureDecorationSite(entry: Entry): CallSite | undefined {
  const frames = captureFrames(entry, 4);
  const frame = frames.find(candidate => !decoratorPlumbing.test(candidate.getFunctionName() ?? '')) ?? frames[0];
  return frame === undefined ? undefined : resolve(frame);
}

function captureFrames(entry: Entry, count: number): readonly NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = count;
    Error.prepareStackTrace = (_, frames) => frames;
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder, entry);
    return Array.isArray(holder.stack) ? holder.stack : [];
  } catch {
    // Frozen intrinsics: the line goes out without its caller.
    return [];
  } finally {
    restore(prepareStackTrace, stackTraceLimit);
  }
}

function restore(prepareStackTrace: typeof Error.prepareStackTrace, stackTraceLimit: number): void {
  try {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  } catch {
    // Frozen intrinsics: nothing was changed.
  }
}

function resolve(frame: NodeJS.CallSite): CallSite | undefined {
  const path = fileOf(frame);
  const line = frame.getLineNumber();
  if (path === undefined || line === null) return undefined;
  const entry = findSourceMap(path)?.findEntry(line - 1, (frame.getColumnNumber() ?? 1) - 1);
  const mapped = entry !== undefined && 'originalLine' in entry && typeof entry.originalLine === 'number';
  const file = baseName(mapped && entry.originalSource ? entry.originalSource : path);
  return createCallSite(functionNameOf(frame), mapped ? entry.originalLine + 1 : line, file);
}

function fileOf(frame: NodeJS.CallSite): string | undefined {
  return frame.getFileName() ?? frame.getScriptNameOrSourceURL() ?? undefined;
}

function functionNameOf(frame: NodeJS.CallSite): string {
  // V8 writes `Class.method`, `object.property`, `get name` and `async name`; the last word is the name.
  const name = frame.getFunctionName()?.split(/[. ]/).at(-1);
  return name === undefined || name === '' ? '<anonymous>' : name;
}

function baseName(path: string): string {
  return path.replace(/[?#].*$/, '').replace(/^.*[\\/]/, '');
}
