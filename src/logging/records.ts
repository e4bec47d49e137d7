import { type Logger as Pino, pino, symbols } from 'pino';
import type { RequestContext } from '../context/index.ts';
import { ArgumentError } from '../errors/index.ts';
import { type CallSite, unknownSiteJson } from './call-site.ts';
import { type LevelRank, logLevels } from './levels.ts';
import type { Sanitizer } from './sanitizer.ts';
import { redacted } from './secret-tokens.ts';

/** Facts added to a line, by name. An `Error` anywhere in them is written with its stack and its causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What one line is made of, before it is written down. */
export interface Line {
  readonly rank: LevelRank;
  readonly iso: string;
  readonly site: CallSite | undefined;
  readonly context: RequestContext;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A logger's name and bound fields, written down once for all its lines. */
export interface Binding {
  readonly name: string;
  readonly heads: readonly string[];
  readonly headsWithoutSite: readonly string[];
  readonly extras: LogFields;
  /** The bound fields as pino wrote them: `,"name":value`, one after the other. */
  readonly extrasJson: string;
  readonly requestId: string | undefined;
  readonly userId: string | undefined;
  /** Whether the bound fields must be looked at for every line, because they name record fields. */
  readonly merges: boolean;
  readonly hasExtras: boolean;
}

type Serialize = (this: Pino, fields: object, message: undefined, level: number, head: string) => string;

const recordFields: ReadonlySet<string> = new Set(
  'timestamp level logger_name function_name line_number module request_id user_id message'.split(' '),
);
/** Names of bound fields that pino takes for settings of the child. */
const engineWords: ReadonlySet<string> = new Set(['serializers', 'formatters', 'customLevels']);

const maxKnown = 1_000;
const pinoInfo = 30;

/**
 * Writes the JSON record. pino serializes bound fields, objects, errors, and everything when there are paths to redact;
 * the head of the record, from `timestamp` to `message`, is handed to it where its own timestamp would stand, because
 * its own order is another. Fields that are plain numbers, booleans and strings must be looked at one by one for secrets;
 * they are written in that same pass, which halves the cost of an ordinary line.
 */
export class Records {
  readonly #sanitizer: Sanitizer;
  readonly #root: Pino;
  readonly #serialize: Serialize;
  readonly #messages = new Map<string, string>();
  /** `,"name":` of names that say nothing about their values; empty for the others. */
  readonly #plainKeys = new Map<string, string>();
  readonly #writesPlain: boolean;
  #context: RequestContext | undefined;
  #contextJson = '';

  constructor(sanitizer: Sanitizer, redactPaths: readonly string[]) {
    this.#sanitizer = sanitizer;
    this.#root = createEngine(redactPaths);
    this.#writesPlain = redactPaths.length === 0;
    this.#serialize = Reflect.get(this.#root, symbols.asJsonSym);
  }

  /** Prepares a logger's name and bound fields. */
  bind(loggerName: string, fields: LogFields): Binding {
    const name = this.#sanitizer.text(loggerName);
    const { extras, requestId, userId } = this.#clean(fields);
    const keys = Object.keys(extras);
    const merges = requestId !== undefined || userId !== undefined || keys.some(key => engineWords.has(key));
    return {
      name,
      heads: logLevels.map(level => flat(`","level":"${level}","logger_name":${JSON.stringify(name)}`)),
      headsWithoutSite: logLevels.map(level =>
        flat(`","level":"${level}","logger_name":${JSON.stringify(name)}${unknownSiteJson}`),
      ),
      extras,
      extrasJson: keys.length === 0 || merges ? '' : flat(Reflect.get(this.#root.child(extras), symbols.chindingsSym)),
      requestId,
      userId,
      merges,
      hasExtras: keys.length > 0,
    };
  }

  /** The record as one line of JSON, with its newline. */
  json(binding: Binding, line: Line): string {
    const plain = binding.merges ? undefined : this.#plainFields(line.fields, binding);
    if (plain !== undefined) {
      return `{${this.#head(binding, line, this.#identity(line.context))}${binding.extrasJson}${plain}}\n`;
    }
    const { extras, requestId, userId } = this.merged(binding, line);
    const head = this.#head(binding, line, identityJson(requestId, userId));
    return this.#serialize.call(this.#root, extras, undefined, pinoInfo, head);
  }

  /** The fields of a line together with the bound ones, without secrets, and who is asking. */
  merged(binding: Binding, { fields, context }: Line): CleanFields {
    const own = fields === undefined ? undefined : this.#clean(fields);
    const extras: Record<string, unknown> = { ...binding.extras, ...own?.extras };
    const known = { requestId: this.#id(context.requestId), userId: this.#id(context.userId) };
    const given = { requestId: own?.requestId ?? binding.requestId, userId: own?.userId ?? binding.userId };
    if (isOther(given.requestId, known.requestId)) extras['request_id_'] = given.requestId;
    if (isOther(given.userId, known.userId)) extras['user_id_'] = given.userId;
    return { extras, requestId: known.requestId ?? given.requestId, userId: known.userId ?? given.userId };
  }

  /** The extras of a line as they stand in its JSON record. */
  extras(
    binding: Binding,
    line: Line,
  ): { readonly extras: Readonly<Record<string, unknown>>; readonly requestId: string | undefined } {
    const { extras, requestId } = this.merged(binding, line);
    const { '': _, ...parsed } = JSON.parse(this.#serialize.call(this.#root, extras, undefined, pinoInfo, '"":0'));
    return { extras: parsed, requestId };
  }

  /** A message without its secrets. */
  message(message: unknown): string {
    return this.#sanitizer.text(typeof message === 'string' ? message : describe(message));
  }

  #head(binding: Binding, line: Line, identity: string): string {
    const { iso, rank, site, message } = line;
    const start = site === undefined ? binding.headsWithoutSite[rank] : binding.heads[rank] + site.json;
    return `"timestamp":"${iso}${start}${identity}${this.#messageJson(message)}`;
  }

  #messageJson(message: string): string {
    const known = this.#messages.get(message);
    if (known !== undefined) return known;
    const json = flat(`,"message":${JSON.stringify(this.message(message))}`);
    if (json.length <= 256 && typeof message === 'string') {
      if (this.#messages.size >= maxKnown) this.#messages.clear();
      this.#messages.set(message, json);
    }
    return json;
  }

  /** Contexts are frozen, and most lines of a request come in a row: the last one is remembered. */
  #identity(context: RequestContext): string {
    if (context !== this.#context) {
      this.#context = context;
      this.#contextJson = flat(identityJson(this.#id(context.requestId), this.#id(context.userId)));
    }
    return this.#contextJson;
  }

  #id(id: string | undefined): string | undefined {
    return id === undefined ? undefined : this.#sanitizer.text(String(id));
  }

  /** Fields as JSON, when their names are harmless and their values plain and without secrets; else undefined. */
  #plainFields(fields: LogFields | undefined, binding: Binding): string | undefined {
    if (fields === undefined) return '';
    if (!this.#writesPlain) return undefined;
    let json = '';
    try {
      for (const key in fields) {
        const name = this.#plainKey(key);
        if (name === '' || !Object.hasOwn(fields, key)) return undefined;
        if (binding.hasExtras && Object.hasOwn(binding.extras, key)) return undefined;
        const value = this.#plainValue(fields[key]);
        if (value === undefined) return undefined;
        if (value !== '') json += name + value;
      }
      return json;
    } catch {
      return undefined;
    }
  }

  /** A plain value as JSON, nothing for undefined; undefined when it must be looked into. */
  #plainValue(value: unknown): string | undefined {
    switch (typeof value) {
      case 'string':
        return this.#sanitizer.text(value) === value ? JSON.stringify(value) : undefined;
      case 'number':
        return value < 1e12 && value > Number.NEGATIVE_INFINITY ? `${value}` : undefined;
      case 'boolean':
        return value ? 'true' : 'false';
      case 'undefined':
        return '';
      default:
        return value === null ? 'null' : undefined;
    }
  }

  #plainKey(key: string): string {
    let name = this.#plainKeys.get(key);
    if (name === undefined) {
      const plain = !recordFields.has(key) && key !== '__proto__' && this.#sanitizer.isPlainKey(key);
      name = plain ? `,${JSON.stringify(key)}:` : '';
      if (this.#plainKeys.size >= maxKnown) this.#plainKeys.clear();
      this.#plainKeys.set(key, name);
    }
    return name;
  }

  #clean(fields: LogFields): CleanFields {
    const extras: Record<string, unknown> = {};
    const ids: { requestId?: string; userId?: string } = {};
    for (const [key, value] of Object.entries(this.#sanitizer.fields(fields))) {
      const isId = typeof value === 'string' || typeof value === 'number';
      if (key === 'request_id' && isId) ids.requestId = String(value);
      else if (key === 'user_id' && isId) ids.userId = String(value);
      else if (key !== '__proto__') extras[recordFields.has(key) ? `${key}_` : key] = value;
    }
    return { extras, requestId: ids.requestId, userId: ids.userId };
  }
}

interface CleanFields {
  readonly extras: LogFields;
  readonly requestId: string | undefined;
  readonly userId: string | undefined;
}

function createEngine(redactPaths: readonly string[]): Pino {
  try {
    return pino({
      base: null,
      // The level stands in our head; an empty object leaves just the opening brace.
      formatters: { level: () => ({}) },
      // Errors have been made plain before; pino's own serializer would see an error in them once more.
      serializers: { err: (value: unknown) => value },
      ...(redactPaths.length === 0 ? {} : { redact: { paths: [...redactPaths], censor: redacted } }),
    });
  } catch (error) {
    const message = `Unusable path in redactPaths: ${error instanceof Error ? error.message : String(error)}; use paths such as "user.address.street" or "items[*].note"`;
    throw new ArgumentError(message, 'redactPaths', { cause: error });
  }
}

function isOther(given: string | undefined, known: string | undefined): boolean {
  return given !== undefined && known !== undefined && given !== known;
}

function identityJson(requestId: string | undefined, userId: string | undefined): string {
  return `,"request_id":${jsonOf(requestId)},"user_id":${jsonOf(userId)}`;
}

function jsonOf(id: string | undefined): string {
  return id === undefined ? 'null' : JSON.stringify(id);
}

/**
 * The same text in one piece. V8 keeps joined strings as trees of their pieces, and would walk through them again for
 * every line that they become a part of; reading one as a number makes it one piece.
 */
function flat(text: string): string {
  Number(text);
  return text;
}

function describe(message: unknown): string {
  try {
    return message instanceof Error ? `${message.name}: ${message.message}` : String(message);
  } catch {
    return '[unreadable]';
  }
}
