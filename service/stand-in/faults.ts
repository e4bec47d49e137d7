import { ValidationError } from 'plinth/errors';

/** How the stand-in misbehaves. Several things may be wrong at once. */
export interface Fault {
  /** Paths that it concerns begin with this. @default '/' */
  readonly pathPrefix?: string | undefined;
  /** How many requests it concerns; then it is over. @default until it is taken back */
  readonly count?: number | undefined;
  /** Answers with this status instead. */
  readonly failWith?: number | undefined;
  /** Waits this long before it answers, in milliseconds. */
  readonly latencyMs?: number | undefined;
  /** Closes the connection instead of answering. */
  readonly dropConnection?: boolean | undefined;
  /** Sends only the first half of the body, correctly framed. */
  readonly truncate?: boolean | undefined;
  /** Sends an HTML page with status 200 instead. */
  readonly html?: boolean | undefined;
  /** Never answers. */
  readonly hang?: boolean | undefined;
  /** With `failWith`: how long to stay away, as the header `retry-after` in seconds. */
  readonly retryAfterSeconds?: number | undefined;
  /** Begins a JSON body and never ends it: text for as long as somebody reads. */
  readonly endless?: boolean | undefined;
  /** Sends the caller to this address instead, with status 302. */
  readonly redirectTo?: string | undefined;
}

/** A fault, or `normal` to end all of them. */
export type Behaviour = 'normal' | Fault;

/** A fault with what is left of its count. */
export interface ActiveFault {
  readonly fault: Fault;
  readonly remaining: number | null;
}

interface Entry {
  readonly fault: Fault;
  remaining: number;
}

/** The faults that are in force. The one that was asked for last comes first. */
export class FaultPlan {
  #entries: Entry[] = [];
  /** How many requests had a fault. */
  injected = 0;

  /** Adds a fault, or ends all of them. */
  behave(behaviour: Behaviour): void {
    if (behaviour === 'normal') this.#entries = [];
    else this.#entries.unshift({ fault: behaviour, remaining: behaviour.count ?? Number.POSITIVE_INFINITY });
  }

  /** The fault for a request. Counts it. */
  take(path: string): Fault | undefined {
    const entry = this.#entries.find(({ fault }) => path.startsWith(fault.pathPrefix ?? '/'));
    if (entry === undefined) return undefined;
    entry.remaining -= 1;
    if (entry.remaining <= 0) this.#entries = this.#entries.filter(other => other !== entry);
    this.injected += 1;
    return entry.fault;
  }

  /** What is in force. */
  active(): ActiveFault[] {
    return this.#entries.map(({ fault, remaining }) => ({
      fault,
      remaining: Number.isFinite(remaining) ? remaining : null,
    }));
  }
}

const checks = {
  pathPrefix: value => typeof value === 'string' && value.startsWith('/'),
  count: value => Number.isInteger(value) && Number(value) >= 1,
  failWith: value => Number.isInteger(value) && Number(value) >= 300 && Number(value) <= 599,
  latencyMs: value => typeof value === 'number' && value >= 0 && value <= 600_000,
  dropConnection: isBoolean,
  truncate: isBoolean,
  html: isBoolean,
  hang: isBoolean,
  retryAfterSeconds: value => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 86_400,
  endless: isBoolean,
  redirectTo: value => typeof value === 'string' && value !== '' && !/[^\x21-\x7e]/.test(value),
} as const satisfies Record<keyof Fault, (value: unknown) => boolean>;

/** Reads a behaviour from JSON. Throws `ValidationError`. */
export function parseBehaviour(value: unknown): Behaviour {
  if (value === 'normal') return 'normal';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ValidationError('Invalid behaviour: expected "normal" or an object such as {"failWith":503,"count":2}');
  }
  const problems: Record<string, string> = {};
  for (const [name, field] of Object.entries(value)) {
    const check = name in checks ? checks[name as keyof Fault] : undefined;
    if (check === undefined) problems[name] = `Unknown, expected one of ${Object.keys(checks).join(', ')}`;
    else if (!check(field)) problems[name] = `Not acceptable: ${JSON.stringify(field)}`;
  }
  if (Object.keys(problems).length > 0) throw new ValidationError('Invalid behaviour', problems);
  return value;
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}
