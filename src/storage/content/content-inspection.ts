import { ValidationError } from '../../errors/index.ts';
import { extensionOf } from '../storage-key.ts';
import { activeTextIn } from './active-text.ts';
import { type FileType, hasSignature, programIn, runnableExtensions } from './file-types.ts';
import { PolyglotScanner } from './polyglots.ts';
import { ZipGuard } from './zip-guard.ts';

/** How much of a content is looked at before anything is decided, in bytes. */
export const headBytes = 65_536;

/** Which names and kinds of files a manager accepts. */
export class FileTypes {
  readonly #byExtension = new Map<string, FileType>();
  readonly #allowed: ReadonlySet<string>;

  constructor(allowedExtensions: readonly string[], types: readonly FileType[]) {
    this.#allowed = new Set(allowedExtensions.map(extension => extension.toLowerCase()));
    for (const type of types) for (const extension of type.extensions) this.#byExtension.set(extension, type);
  }

  /**
   * The kind of a file, by the extension of its name.
   *
   * @throws {ValidationError} when the extension is not allowed, hides another one, or does not fit the declared type.
   */
  require(filename: string, declaredType: string | undefined): FileType {
    const extension = extensionOf(filename);
    if (!this.#allowed.has(extension)) {
      throw refusal(
        `Files ${extension === '' ? 'without an extension' : `with the extension ${extension}`} are not accepted`,
        `one of ${[...this.#allowed].join(', ')}`,
      );
    }
    const inner = filename.toLowerCase().split('/').at(-1)?.split('.').slice(1, -1) ?? [];
    const hidden = inner.find(part => runnableExtensions.has(`.${part.trim()}`));
    if (hidden !== undefined) {
      throw refusal(`The name hides the extension .${hidden} in front of ${extension}`, 'a name with one extension');
    }
    const type = this.#byExtension.get(extension) ?? {
      extensions: [extension],
      contentType: 'application/octet-stream',
    };
    const declared = declaredType?.split(';')[0]?.trim().toLowerCase();
    if (declared !== undefined && declared !== type.contentType && declared !== 'application/octet-stream') {
      throw refusal(
        `The content type ${JSON.stringify(declared.slice(0, 80))} does not fit the extension ${extension}`,
        type.contentType,
      );
    }
    return type;
  }
}

/** Looks at a content as it passes, and refuses what is not of the kind that its name says. */
export class ContentInspection {
  readonly #type: FileType;
  readonly #extension: string;
  readonly #isText: boolean;
  readonly #zip: ZipGuard | undefined;
  readonly #scanner: PolyglotScanner | undefined;

  constructor(type: FileType, extension: string, isStrict: boolean) {
    this.#type = type;
    this.#extension = extension;
    this.#isText = type.begins === 'text' || type.begins === 'markdown';
    this.#zip = type.container === undefined ? undefined : new ZipGuard(extension, isStrict);
    this.#scanner = isStrict ? new PolyglotScanner(extension, this.#isText) : undefined;
  }

  /** The beginning, all of it when the content is short. It is fed too. */
  begin(head: Uint8Array): void {
    const program = programIn(head);
    const { begins } = this.#type;
    if (program !== undefined && !(this.#isText && isInnocentText(head))) throw this.#refusal(`it is ${program}`);
    if (begins === 'text' || begins === 'markdown') {
      const active = activeTextIn(head, begins === 'markdown', head.length >= headBytes);
      if (active !== undefined) throw this.#refusal(`it is ${active}`);
    } else if (begins !== undefined && !begins.some(signature => hasSignature(head, signature))) {
      throw this.#refusal('its first bytes are those of something else');
    }
  }

  feed(chunk: Uint8Array): void {
    if (this.#isText && chunk.includes(0)) {
      throw this.#refusal('it is not text in an encoding such as UTF-8: there is a zero byte in it');
    }
    this.#zip?.feed(chunk);
    const found = this.#scanner?.feed(chunk);
    if (found !== undefined) throw this.#refusal(found);
  }

  end(): void {
    this.#zip?.end();
    const found = this.#scanner?.end();
    if (found !== undefined) throw this.#refusal(found);
  }

  #refusal(what: string): ValidationError {
    return refusal(`The content is not what ${this.#extension} stands for: ${what}`, this.#type.contentType);
  }
}

/** Text that happens to begin with `MZ`: a program would have zero bytes near. */
function isInnocentText(head: Uint8Array): boolean {
  return head[0] === 0x4d && head[1] === 0x5a && !head.subarray(0, 1_024).includes(0);
}

function refusal(message: string, expected: string): ValidationError {
  return new ValidationError(message, { content: `Expected ${expected}` });
}
