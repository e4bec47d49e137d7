import { ArgumentError } from '../errors/index.ts';
import type { StoredBytes } from './cache-store.ts';
import { type CacheCodec, decodeJson, decodeStructured, encodeJson, encodeStructured } from './codecs.ts';
import { compress, inflate } from './compression.ts';
import {
  type CounterEnvelope,
  decodeEnvelope,
  type EntryEnvelope,
  type EntryHeader,
  type EntryKind,
  encodeHeader,
  type PlaceholderEnvelope,
  type UnusableEnvelope,
} from './envelope.ts';

/** How values become bytes. */
export interface EntryForm {
  readonly codec: CacheCodec;
  /** Payloads above this are compressed when it pays, in bytes. */
  readonly compressAboveBytes: number;
  /** The longest payload, before it is compressed, in bytes. */
  readonly maxValueBytes: number;
}

/** An entry with its value. */
export interface DecodedEntry {
  readonly state: 'entry';
  readonly envelope: EntryEnvelope;
  readonly value: unknown;
}

/** What stored bytes were. */
export type Decoded = DecodedEntry | PlaceholderEnvelope | CounterEnvelope | UnusableEnvelope;

/** Longer headers are not believed: 32 tags whose names take nine bytes a character do not come near. */
const maxHeaderBytes = 131_072;

/**
 * The bytes of an entry: one text for JSON that is not compressed, bytes for everything else. A promise for what is
 * large: it is compressed beside the event loop.
 *
 * @throws {ArgumentError} for a value that the codec cannot carry, or that is too large.
 */
export function encodeEntry(value: unknown, header: EntryHeader, form: EntryForm): StoredBytes | Promise<StoredBytes> {
  if (value === undefined) return encodeHeader('u', header, 0, 0);
  if (form.codec === 'structured') {
    const payload = encodeStructured(value);
    requireSize(payload.length, form);
    return pack('s', 'S', payload, payload.length, header, form);
  }
  const text = encodeJson(value);
  // What is too long as text is too long as bytes, and need not be counted.
  if (text.length > form.maxValueBytes) requireSize(text.length, form);
  const bytes = Buffer.byteLength(text);
  requireSize(bytes, form);
  return pack('j', 'J', text, bytes, header, form);
}

/** Reads stored bytes. Never throws, and a promise never rejects: what cannot be read is unusable. */
export function decodeEntry(bytes: Buffer, form: EntryForm): Decoded | Promise<Decoded> {
  const { maxValueBytes } = form;
  if (bytes.length > maxValueBytes + maxHeaderBytes) return tooLarge;
  const envelope = decodeEnvelope(bytes);
  if (envelope.state !== 'entry') return envelope;
  if (envelope.rawBytes > maxValueBytes) return tooLarge;
  try {
    switch (envelope.kind) {
      case 'u':
        return { state: 'entry', envelope, value: undefined };
      case 'j':
        return { state: 'entry', envelope, value: decodeJson(bytes, envelope.payloadAt) };
      case 's':
        return { state: 'entry', envelope, value: decodeStructured(bytes, envelope.payloadAt) };
      default: {
        const inflated = inflate(bytes.subarray(envelope.payloadAt), envelope.rawBytes);
        if (!(inflated instanceof Promise)) return unpack(inflated, envelope);
        return inflated.then(payload => unpack(payload, envelope)).catch(() => corrupt);
      }
    }
  } catch {
    return corrupt;
  }
}

/** The bytes of an entry with another header, its payload as it is. */
export function withHeader(bytes: Uint8Array, envelope: EntryEnvelope, header: EntryHeader): Buffer {
  const payload = bytes.subarray(envelope.payloadAt);
  return joined(encodeHeader(envelope.kind, header, payload.length, envelope.rawBytes), payload);
}

function pack(
  plainKind: EntryKind,
  compressedKind: EntryKind,
  payload: string | Buffer,
  bytes: number,
  header: EntryHeader,
  form: EntryForm,
): StoredBytes | Promise<StoredBytes> {
  const compressed = compress(payload, bytes, form.compressAboveBytes);
  if (compressed === undefined) return plain(plainKind, payload, bytes, header);
  if (!(compressed instanceof Promise)) {
    return joined(encodeHeader(compressedKind, header, compressed.length, bytes), compressed);
  }
  return compressed.then(packed =>
    packed === undefined
      ? plain(plainKind, payload, bytes, header)
      : joined(encodeHeader(compressedKind, header, packed.length, bytes), packed),
  );
}

function plain(kind: EntryKind, payload: string | Buffer, bytes: number, header: EntryHeader): StoredBytes {
  const head = encodeHeader(kind, header, bytes, bytes);
  return typeof payload === 'string' ? head + payload : joined(head, payload);
}

function unpack(payload: Buffer, envelope: EntryEnvelope): Decoded {
  if (payload.length !== envelope.rawBytes) return corrupt;
  const value = envelope.kind === 'J' ? decodeJson(payload, 0) : decodeStructured(payload, 0);
  return { state: 'entry', envelope, value };
}

function joined(header: string, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(header.length + payload.length);
  bytes.write(header, 'latin1');
  bytes.set(payload, header.length);
  return bytes;
}

function requireSize(bytes: number, form: EntryForm): void {
  if (bytes <= form.maxValueBytes) return;
  throw new ArgumentError(
    `Cannot keep the value: expected at most ${form.maxValueBytes} bytes (maxValueBytes), got ${bytes}`,
    'value',
  );
}

const corrupt: UnusableEnvelope = Object.freeze({ state: 'unusable', reason: 'corrupt' });
const tooLarge: UnusableEnvelope = Object.freeze({ state: 'unusable', reason: 'too-large' });
