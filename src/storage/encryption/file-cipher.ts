import { randomBytes } from 'node:crypto';
import { boundText, type Descriptor } from '../descriptor.ts';
import { CorruptFileError } from '../errors.ts';
import { frameBytes } from './frames.ts';
import type { KeyRing } from './key-ring.ts';

/** Data keys of files: made, wrapped and unwrapped. */
export class FileCipher {
  readonly #ring: KeyRing | undefined;
  readonly #acceptsPlain: boolean;

  constructor(ring: KeyRing | undefined, acceptsPlain: boolean) {
    this.#ring = ring;
    this.#acceptsPlain = acceptsPlain;
  }

  get currentKeyId(): string | undefined {
    return this.#ring?.currentKeyId;
  }

  /** A data key for one content, or `undefined` when files are kept plain. */
  newKey(): Buffer | undefined {
    return this.#ring === undefined ? undefined : randomBytes(32);
  }

  /** The descriptor with the data key in it, bound to the name of the file and to everything else in the descriptor. */
  seal(key: string, plain: Descriptor, dataKey: Buffer | undefined): Descriptor {
    if (this.#ring === undefined || dataKey === undefined) return { ...plain, encryption: undefined };
    const encryption = {
      keyId: this.#ring.currentKeyId,
      wrapped: '',
      frameBytes: plain.encryption?.frameBytes ?? frameBytes,
    };
    const bound = boundText(key, { ...plain, encryption });
    return { ...plain, encryption: { ...encryption, wrapped: this.#ring.wrap(dataKey, bound) } };
  }

  /**
   * The data key of a file, or `undefined` when it is kept plain.
   *
   * @throws {CorruptFileError} when the key is missing, the description was changed, or the file is plain where only
   *   encrypted ones are accepted.
   */
  open(key: string, descriptor: Descriptor): Buffer | undefined {
    const { encryption } = descriptor;
    if (encryption === undefined) {
      if (this.#ring === undefined || this.#acceptsPlain) return undefined;
      throw new CorruptFileError(
        key,
        'it is not encrypted, where all files are; set acceptPlain while old ones remain',
      );
    }
    if (this.#ring === undefined || !this.#ring.has(encryption.keyId)) {
      throw new CorruptFileError(
        key,
        `the key "${encryption.keyId}" that it was encrypted with is not in the key ring`,
      );
    }
    const dataKey = this.#ring.unwrap(encryption.keyId, encryption.wrapped, boundText(key, descriptor));
    if (dataKey !== undefined) return dataKey;
    throw new CorruptFileError(key, 'its description was changed, or another key has the same name');
  }
}
