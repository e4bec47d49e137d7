import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { ArgumentError } from '../../errors/index.ts';
import { Secret } from '../../kernel/index.ts';

/** The keys of a {@link KeyRing}. */
export interface KeyRingOptions {
  /** The name of the key that new files are encrypted with. */
  readonly currentKeyId: string;
  /** Every key that files may be encrypted with, by name: 32 random bytes each, as base64 or base64url. */
  readonly keys: Readonly<Record<string, Secret>>;
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * The keys that wrap the data key of each file. To change keys, add a new one, make it the current one, run
 * `rotateKeys()` of the manager, and only then take the old one away.
 *
 * @throws {ArgumentError} when a key is not 32 bytes, or the current one is missing. Keys are never shown.
 * @example
 * const encryption = new KeyRing({ currentKeyId: '2026', keys: { '2026': KeyRing.generateKey() } });
 */
export class KeyRing {
  readonly currentKeyId: string;
  readonly #keys: ReadonlyMap<string, Buffer>;

  constructor({ currentKeyId, keys }: KeyRingOptions) {
    this.currentKeyId = currentKeyId;
    this.#keys = new Map(Object.entries(keys).map(([id, secret]) => [requireKeyId(id), parseKey(id, secret)]));
    if (!this.#keys.has(currentKeyId)) {
      throw new ArgumentError(
        `Cannot use currentKeyId "${currentKeyId}": expected one of the keys, ${[...this.#keys.keys()].join(', ')}`,
        'currentKeyId',
      );
    }
  }

  /** A new random key, as it is kept in settings. */
  static generateKey(): Secret {
    return new Secret(randomBytes(32).toString('base64url'));
  }

  /** Whether the ring has a key of this name. */
  has(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  /** A data key under the current key, bound to a text: it can only be unwrapped with the same. */
  wrap(dataKey: Uint8Array, bound: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#keys.get(this.currentKeyId) as Buffer, nonce);
    cipher.setAAD(boundBytes(this.currentKeyId, bound));
    return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** The data key, or `undefined` when the key is missing, or anything is not as it was when it was wrapped. */
  unwrap(keyId: string, wrapped: string, bound: string): Buffer | undefined {
    const key = this.#keys.get(keyId);
    const bytes = Buffer.from(wrapped, 'base64url');
    if (key === undefined || bytes.length !== nonceBytes + 32 + tagBytes) return undefined;
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
    decipher.setAAD(boundBytes(keyId, bound));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}

function boundBytes(keyId: string, bound: string): Buffer {
  return Buffer.from(JSON.stringify([keyId, bound]));
}

function requireKeyId(id: string): string {
  if (/^[\w.-]{1,32}$/.test(id)) return id;
  throw new ArgumentError(`Cannot use "${id}" as the name of a key: expected 1 to 32 of A-Z a-z 0-9 _ . -`, 'keys');
}

function parseKey(id: string, secret: Secret): Buffer {
  const text = secret.reveal();
  const key = /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (key?.length === 32) return key;
  throw new ArgumentError(
    `Cannot use the key "${id}": expected 32 random bytes as base64, such as KeyRing.generateKey() makes`,
    'keys',
  );
}
