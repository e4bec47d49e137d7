import { type CipherChaCha20Poly1305, createCipheriv } from 'node:crypto';

const key = (): Buffer => Buffer.alloc(32);
const nonce = (): Buffer => Buffer.alloc(12);
const tagBytes = 16;

/**
 * Tells whether a content is still what it was: Poly1305 over all of it, under a key that everybody knows. It finds
 * accidents more surely than CRC-32 and takes half its time (SHA-256: an eighth of it); who wants to forge one can.
 */
export class ContentTag {
  readonly #cipher: CipherChaCha20Poly1305;

  constructor() {
    this.#cipher = createCipheriv('chacha20-poly1305', key(), nonce(), { authTagLength: tagBytes });
  }

  /** Takes the next part of the content, of any length. */
  update(chunk: Uint8Array): void {
    // What is authenticated and not encrypted: nothing is written anywhere.
    this.#cipher.setAAD(chunk, { plaintextLength: 0 });
  }

  /** The tag of everything, hex. To be asked once. */
  digest(): string {
    this.#cipher.final();
    return this.#cipher.getAuthTag().toString('hex');
  }
}
