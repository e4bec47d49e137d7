import type { UnusableReason } from './events.ts';
import { tokenLength } from './write-tokens.ts';

/**
 * How a stored entry looks: an ASCII header, then the payload.
 *
 *     at  characters
 *      0   1  format version, 0x01
 *      1   1  kind
 *      2  12  token of this very write
 *     14   7  creation, in milliseconds since 1970 by the store's time
 *     21   6  how long it is fresh, in milliseconds
 *     27   6  how long it is stale after that, in milliseconds
 *     33   5  bytes of the payload as it is stored
 *     38   5  bytes of the payload before it was compressed
 *     43   1  how many tags
 *     44      per tag: 2 for the length of its name, the name as in a URI, 12 for its deletion, 12 for its expiry
 *
 * Numbers are digits of base 64, most significant first, from `0` to `o` in ASCII. What a load has not given yet is
 * held by the first 14 characters alone, and a counter is decimal digits without a header, as Redis counts.
 */
export type EntryKind = 'u' | 'j' | 's' | 'J' | 'S';

/** What a tag was like when the entry was made: the tokens of its last deletion and of its last expiry. */
export interface TagMark {
  readonly tag: string;
  readonly deletion: string;
  readonly expiry: string;
}

/** What the header says of an entry besides its payload. */
export interface EntryHeader {
  /** The token of this very write. */
  readonly token: string;
  readonly createdAtMs: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly marks: readonly TagMark[];
}

/** An entry whose header was read; its payload may still be corrupt. */
export interface EntryEnvelope {
  readonly state: 'entry';
  /** What the stored bytes begin with: the same as long as nobody else has written. */
  readonly version: string;
  readonly kind: EntryKind;
  readonly createdAtMs: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly marks: readonly TagMark[];
  /** Where the payload begins; it goes to the end. */
  readonly payloadAt: number;
  /** Bytes of the payload before it was compressed. */
  readonly rawBytes: number;
}

/** Nothing but the place of a value that is being loaded, or, when it is free, that was. */
export interface PlaceholderEnvelope {
  readonly state: 'placeholder';
  readonly version: string;
  readonly isFree: boolean;
}

/** A whole number that is added to. */
export interface CounterEnvelope {
  readonly state: 'counter';
  /** Its digits. */
  readonly version: string;
  readonly value: number;
}

/** What cannot be used. */
export interface UnusableEnvelope {
  readonly state: 'unusable';
  readonly reason: UnusableReason;
}

/** What stored bytes are. */
export type Envelope = EntryEnvelope | PlaceholderEnvelope | CounterEnvelope | UnusableEnvelope;

/** The largest lifetime that fits into a header: 6 digits, 795 days. */
export const maxHeaderLifetimeMs: number = 64 ** 6 - 1;

/** The largest payload that fits into a header: 5 digits, a gigabyte. */
export const maxHeaderBytes: number = 64 ** 5 - 1;

const formatVersion = 1;
const versionLength: number = 2 + tokenLength;
const fixedLength = 44;
const noMarks: readonly TagMark[] = Object.freeze([]);

/** What holds the place of a value that is being loaded. */
export function placeholder(token: string): string {
  return `\x01l${token}`;
}

/** What a place is left with that is free again. */
export function freePlace(token: string): string {
  return `\x01f${token}`;
}

/** The header of an entry. It is ASCII, so that its characters are its bytes. */
export function encodeHeader(kind: EntryKind, header: EntryHeader, payloadBytes: number, rawBytes: number): string {
  const { token, createdAtMs, ttlMs, staleMs, marks } = header;
  const fixed =
    `\x01${kind}${token}` +
    digits7(createdAtMs) +
    digits6(ttlMs) +
    digits6(staleMs) +
    digits5(payloadBytes) +
    digits5(rawBytes) +
    String.fromCharCode(48 + marks.length);
  return marks.length === 0 ? fixed : fixed + encodeMarks(marks);
}

/** Reads the header of stored bytes. Never throws. */
export function decodeEnvelope(bytes: Buffer): Envelope {
  const first = bytes[0];
  if (first !== formatVersion) return decodeForeign(bytes);
  const kind = kindOf(bytes[1]);
  if (kind === undefined) return bytes.length < 2 ? corrupt : unknownVersion;
  if (!areDigits(bytes, 2, versionLength)) return corrupt;
  const version = bytes.toString('latin1', 0, versionLength);
  if (kind === 'l' || kind === 'f') {
    return bytes.length === versionLength ? { state: 'placeholder', version, isFree: kind === 'f' } : corrupt;
  }
  if (!areDigits(bytes, versionLength, fixedLength)) return corrupt;
  const payloadBytes = readDigits(bytes, 33, 38);
  const rawBytes = readDigits(bytes, 38, 43);
  if (kind !== 'J' && kind !== 'S' && payloadBytes !== rawBytes) return corrupt;
  if (kind === 'u' && rawBytes > 0) return corrupt;
  const tags = readDigits(bytes, 43, 44);
  const payloadAt = tags === 0 ? fixedLength : endOfMarks(bytes, tags);
  if (payloadAt + payloadBytes !== bytes.length) return corrupt;
  const marks = tags === 0 ? noMarks : decodeMarks(bytes, tags);
  if (marks === undefined) return corrupt;
  return {
    state: 'entry',
    version,
    kind,
    createdAtMs: readDigits(bytes, 14, 21),
    ttlMs: readDigits(bytes, 21, 27),
    staleMs: readDigits(bytes, 27, 33),
    marks,
    payloadAt,
    rawBytes,
  };
}

/** Whether bytes are digits of base 64. */
export function areDigits(bytes: Buffer, from: number, to: number): boolean {
  if (bytes.length < to) return false;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    if (byte < 48 || byte > 111) return false;
  }
  return true;
}

/** A number of base 64. Its bytes must be digits. */
export function readDigits(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) value = value * 64 + (bytes[at] as number) - 48;
  return value;
}

/** Seven digits: milliseconds until the year 2109. */
export function digits7(value: number): string {
  return String.fromCharCode(48 + (Math.floor(value / 68_719_476_736) & 63)) + digits6(value);
}

function digits6(value: number): string {
  return String.fromCharCode(48 + (Math.floor(value / 1_073_741_824) & 63)) + digits5(value);
}

/** What is above 30 bits falls away. */
function digits5(value: number): string {
  const low = value % 1_073_741_824;
  return String.fromCharCode(
    48 + (low >> 24),
    48 + ((low >> 18) & 63),
    48 + ((low >> 12) & 63),
    48 + ((low >> 6) & 63),
    48 + (low & 63),
  );
}

function encodeMarks(marks: readonly TagMark[]): string {
  let text = '';
  for (const { tag, deletion, expiry } of marks) {
    const name = encodeURI(tag);
    text += String.fromCharCode(48 + (name.length >> 6), 48 + (name.length & 63)) + name + deletion + expiry;
  }
  return text;
}

/** Where the payload begins; beyond the end when the tags do not fit. */
function endOfMarks(bytes: Buffer, tags: number): number {
  let at = fixedLength;
  for (let tag = 0; tag < tags; tag += 1) {
    if (!areDigits(bytes, at, at + 2)) return Number.POSITIVE_INFINITY;
    at += 2 + readDigits(bytes, at, at + 2) + 2 * tokenLength;
  }
  return at;
}

function decodeMarks(bytes: Buffer, tags: number): readonly TagMark[] | undefined {
  const marks: TagMark[] = [];
  let at = fixedLength;
  for (let count = 0; count < tags; count += 1) {
    const nameEnd = at + 2 + readDigits(bytes, at, at + 2);
    const tag = decodeName(bytes.toString('latin1', at + 2, nameEnd));
    const end = nameEnd + 2 * tokenLength;
    if (tag === undefined || !areDigits(bytes, nameEnd, end)) return undefined;
    marks.push({
      tag,
      deletion: bytes.toString('latin1', nameEnd, nameEnd + tokenLength),
      expiry: bytes.toString('latin1', nameEnd + tokenLength, end),
    });
    at = end;
  }
  return marks;
}

function decodeName(name: string): string | undefined {
  if (!name.includes('%')) return name;
  try {
    return decodeURI(name);
  } catch {
    return undefined;
  }
}

type Kind = EntryKind | 'l' | 'f';

/** A switch over bytes: it neither allocates nor looks up. */
function kindOf(byte: number | undefined): Kind | undefined {
  switch (byte) {
    case 0x6a:
      return 'j';
    case 0x4a:
      return 'J';
    case 0x73:
      return 's';
    case 0x53:
      return 'S';
    case 0x75:
      return 'u';
    case 0x6c:
      return 'l';
    case 0x66:
      return 'f';
    default:
      return undefined;
  }
}

const corrupt: UnusableEnvelope = Object.freeze({ state: 'unusable', reason: 'corrupt' });
const unknownVersion: UnusableEnvelope = Object.freeze({ state: 'unusable', reason: 'unknown-version' });

/** The most characters of a whole number that is exact. */
const maxCounterLength = 17;

/** What has no header: a counter, or what is none of ours. Control characters are kept for versions to come. */
function decodeForeign(bytes: Buffer): Envelope {
  const first = bytes[0];
  if (first === undefined || bytes.length > maxCounterLength) return isVersion(first) ? unknownVersion : corrupt;
  const version = bytes.toString('latin1', 0, bytes.length);
  const value = Number(version);
  // Only what counting itself would write: no signs, zeros or spaces besides.
  if (Number.isSafeInteger(value) && String(value) === version) return { state: 'counter', version, value };
  return isVersion(first) ? unknownVersion : corrupt;
}

function isVersion(byte: number | undefined): boolean {
  return byte !== undefined && byte < 32;
}
