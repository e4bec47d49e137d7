import type { Random } from '../kernel/index.ts';

/** The parts of a W3C `traceparent` header. */
export interface TraceParent {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero: the caller's span. */
  readonly parentId: string;
  readonly sampled: boolean;
}

// https://www.w3.org/TR/trace-context/#traceparent-header-field-values
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a `traceparent` header.
 *
 * @returns undefined when it does not follow the W3C format: the trace then begins anew.
 */
export function parseTraceparent(header: string | readonly string[] | undefined): TraceParent | undefined {
  if (typeof header !== 'string') return undefined;
  const [, version, traceId, parentId, flags, rest] = pattern.exec(header) ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined || flags === undefined) return undefined;
  // Later versions may append fields; version 00 may not, and ff is forbidden.
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent` header, version 00. */
export function formatTraceparent({ traceId, parentId, sampled }: TraceParent): string {
  return `00-${traceId}-${parentId}-${sampled ? '01' : '00'}`;
}

/** Begins a trace. It is not sampled, because nobody records it yet. */
export function newTraceparent(random: Random): string {
  return formatTraceparent({ traceId: hexadecimal(random, 4), parentId: hexadecimal(random, 2), sampled: false });
}

/** The last digit is never zero, so that the whole never is. */
function hexadecimal(random: Random, words: number): string {
  let text = '';
  for (let word = 0; word < words; word += 1) {
    text += Math.floor(random.next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  }
  return text.endsWith('0') ? `${text.slice(0, -1)}1` : text;
}
