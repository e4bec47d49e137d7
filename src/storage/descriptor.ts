import { ValidationError } from '../errors/index.ts';

/** Whatever JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** What an application keeps with a file: up to 1,000 characters as JSON in ASCII. */
export type FileMetadata = { readonly [name: string]: JsonValue };

/** How the content was encrypted. */
export interface Encryption {
  /** Which key of the ring has wrapped the data key. */
  readonly keyId: string;
  /** The wrapped data key, base64url. */
  readonly wrapped: string;
  /** How many bytes of plain text a frame holds, except the last. */
  readonly frameBytes: number;
}

/** What is kept of a file beside its content. */
export interface Descriptor {
  readonly contentType: string;
  /** Length of the content as it was given, in bytes. */
  readonly bytes: number;
  /** SHA-256 of the content as it was given, hex; `undefined` when it was not taken. */
  readonly checksum: string | undefined;
  /** `ContentTag` of a content that is kept as it was given, hex; the other forms have checks of their own. */
  readonly tag: string | undefined;
  readonly createdAtMs: number;
  readonly owner: string | undefined;
  readonly metadata: FileMetadata;
  /** SHA-256 of the idempotency key, hex. */
  readonly idempotency: string | undefined;
  /** Whether the content is kept as gzip. */
  readonly isCompressed: boolean;
  /** Length after compression and before encryption, in bytes. */
  readonly packedBytes: number;
  readonly encryption: Encryption | undefined;
}

/** The only form that is read and written. */
const version = 1;

const maxUserMetadataLength = 1_000;
const maxOwnerBytes = 128;

/** What every store keeps with a content, in characters. */
const maxDescriptorLength = 2_000;

/**
 * The descriptor as one line of ASCII.
 *
 * @throws {ValidationError} when it is too long for a store.
 */
export function encodeDescriptor(descriptor: Descriptor): string {
  const { encryption } = descriptor;
  const text = ascii(
    JSON.stringify({
      v: version,
      ...plainFields(descriptor),
      ...(encryption === undefined
        ? {}
        : { e: { k: encryption.keyId, w: encryption.wrapped, f: encryption.frameBytes } }),
    }),
  );
  if (text.length <= maxDescriptorLength) return text;
  throw new ValidationError(
    `Cannot keep a description of ${text.length} characters: expected at most ${maxDescriptorLength}. Shorten the ` +
      'metadata or the owner',
    { metadata: 'Expected shorter metadata' },
  );
}

/** All of a descriptor but the wrapped data key: what that key is bound to, so that nothing of it can be changed. */
export function boundText(key: string, descriptor: Descriptor): string {
  const frameBytes = descriptor.encryption?.frameBytes ?? 0;
  return ascii(JSON.stringify(['plinth file 1', key, frameBytes, plainFields(descriptor)]));
}

/** The version of the form in which a descriptor was written, if it says one. */
export function descriptorVersion(text: string): number | undefined {
  try {
    const { v } = JSON.parse(text) as Partial<WireDescriptor>;
    return isCount(v) ? v : undefined;
  } catch {
    return undefined;
  }
}

/** Reads what {@link encodeDescriptor} wrote; `undefined` for anything else. */
export function decodeDescriptor(text: string): Descriptor | undefined {
  try {
    const { v, t, n, h, r, c, o, m, i, z, p, e } = JSON.parse(text) as Partial<WireDescriptor>;
    if (v !== version || typeof t !== 'string' || !isCount(n) || !isCount(c)) return undefined;
    if ((h !== undefined && !isHash(h)) || (r !== undefined && !isTag(r))) return undefined;
    if (e !== undefined && (typeof e.k !== 'string' || typeof e.w !== 'string' || !isCount(e.f) || e.f === 0)) {
      return undefined;
    }
    const packedBytes = p ?? n;
    if (!isCount(packedBytes) || (o !== undefined && typeof o !== 'string')) return undefined;
    return {
      contentType: t,
      bytes: n,
      checksum: h,
      tag: r,
      createdAtMs: c,
      owner: o,
      metadata: frozen(m ?? {}),
      idempotency: isHash(i) ? i : undefined,
      isCompressed: z === 1,
      packedBytes,
      encryption: e === undefined ? undefined : { keyId: e.k, wrapped: e.w, frameBytes: e.f },
    };
  } catch {
    return undefined;
  }
}

/** @throws {ValidationError} when the metadata would not come back as they are, or are too long. */
export function requireUserMetadata(metadata: FileMetadata): FileMetadata {
  const text = jsonOf(metadata);
  const length = ascii(text).length;
  if (length > maxUserMetadataLength) {
    throw new ValidationError(
      `Cannot keep metadata of ${length} characters: expected at most ${maxUserMetadataLength} as JSON. Keep larger ` +
        'ones in a database, or in a file of their own',
      { metadata: `Expected at most ${maxUserMetadataLength} characters of JSON` },
    );
  }
  // Only now: what is short as JSON is not deep.
  if (!text.startsWith('{') || hasLoss(metadata)) throw unusableMetadata(undefined);
  return frozen(JSON.parse(text) as FileMetadata);
}

/** @throws {ValidationError} when the text is no name for an owner. */
export function requireOwner(owner: string): string {
  const isShort = typeof owner === 'string' && owner !== '' && Buffer.byteLength(owner) <= maxOwnerBytes;
  if (isShort && !/[\p{Cc}\p{Surrogate}]/u.test(owner)) return owner;
  throw new ValidationError(
    `Cannot use an owner of this form: expected 1 to ${maxOwnerBytes} bytes without control characters`,
    { owner: `Expected 1 to ${maxOwnerBytes} bytes without control characters` },
  );
}

interface WireDescriptor {
  readonly v: number;
  readonly t: string;
  readonly n: number;
  readonly h: string;
  readonly r: string;
  readonly c: number;
  readonly o: string;
  readonly m: FileMetadata;
  readonly i: string;
  readonly z: number;
  readonly p: number;
  readonly e: { readonly k: string; readonly w: string; readonly f: number };
}

function plainFields(descriptor: Descriptor): Partial<WireDescriptor> {
  const { contentType, bytes, checksum, tag, createdAtMs, owner, metadata, idempotency, isCompressed, packedBytes } =
    descriptor;
  return {
    t: contentType,
    n: bytes,
    ...(checksum === undefined ? {} : { h: checksum }),
    ...(tag === undefined ? {} : { r: tag }),
    c: createdAtMs,
    ...(owner === undefined ? {} : { o: owner }),
    ...(Object.keys(metadata).length === 0 ? {} : { m: metadata }),
    ...(idempotency === undefined ? {} : { i: idempotency }),
    ...(isCompressed ? { z: 1, p: packedBytes } : {}),
  };
}

/** Text outside ASCII as escapes, which JSON takes for the same: headers of other stores carry nothing else. */
function ascii(text: string): string {
  return text.replaceAll(/[^ -~]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** What others are given too is nobody's to change. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}

/** @throws {ValidationError} for cycles, big integers and too many levels. */
function jsonOf(metadata: unknown): string {
  try {
    return JSON.stringify(metadata) ?? '';
  } catch (error) {
    throw unusableMetadata(error);
  }
}

function unusableMetadata(cause: unknown): ValidationError {
  return new ValidationError(
    'Cannot keep the metadata of the file: expected an object that JSON can say',
    { metadata: 'Expected strings, finite numbers, booleans, null, lists and objects of these' },
    { cause },
  );
}

function hasLoss(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return false;
  if (typeof value === 'number') return !Number.isFinite(value) || Object.is(value, -0);
  if (Array.isArray(value)) return value.some(hasLoss);
  if (typeof value !== 'object' || 'toJSON' in value) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return true;
  return Object.values(value).some(hasLoss);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTag(value: unknown): value is string {
  return typeof value === 'string' && /^[\da-f]{32}$/.test(value);
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^[\da-f]{64}$/.test(value);
}
