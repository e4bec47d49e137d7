import { type Descriptor, decodeDescriptor, descriptorVersion, type FileMetadata } from './descriptor.ts';
import { encryptedBytes } from './encryption/frames.ts';
import { CorruptFileError } from './errors.ts';
import { extensionOf } from './storage-key.ts';
import type { ObjectInfo } from './storage-strategy.ts';
import type { CountedFile } from './usage/usage-tally.ts';

/** What is known of a stored file. */
export interface StoredFile {
  /** Its name with its folders: what all methods are given. */
  readonly key: string;
  /** The last part of the key. */
  readonly filename: string;
  /** In lower case with its dot, such as `.pdf`. */
  readonly extension: string;
  /** What it is to be served as. */
  readonly contentType: string;
  /** Length of the content, in bytes. */
  readonly bytes: number;
  /** Length of what is kept, after compression and encryption, in bytes. */
  readonly storedBytes: number;
  /** SHA-256 of the content, hex: with the option `checksum: 'sha256'`, or when it was saved with an idempotency key. */
  readonly checksum: string | undefined;
  readonly createdAt: Date;
  readonly owner: string | undefined;
  /** What the application keeps with it. */
  readonly metadata: FileMetadata;
  /** Changes whenever the file does: good for an `ETag`. */
  readonly version: string;
  readonly isCompressed: boolean;
  /** The name of the key that it is encrypted under, if it is encrypted. */
  readonly encryptionKeyId: string | undefined;
}

/** @throws {CorruptFileError} when what is kept with the file cannot be read, or does not fit its length. */
export function requireDescriptor({ key, bytes, metadata }: ObjectInfo): Descriptor {
  const descriptor = decodeDescriptor(metadata);
  if (descriptor === undefined) {
    const version = descriptorVersion(metadata) ?? 1;
    const other = `its description has the form ${version}, which another version of the software has written`;
    throw new CorruptFileError(key, version === 1 ? 'its description cannot be read' : other);
  }
  const { packedBytes, encryption } = descriptor;
  const expected =
    encryption === undefined
      ? packedBytes
      : encryptedBytes({ plainBytes: packedBytes, frameBytes: encryption.frameBytes });
  if (bytes === expected) return descriptor;
  throw new CorruptFileError(key, `${bytes} bytes are kept, where ${expected} were written`);
}

export function storedFileOf({ key, bytes, version }: ObjectInfo, descriptor: Descriptor): StoredFile {
  return {
    key,
    filename: key.slice(key.lastIndexOf('/') + 1),
    extension: extensionOf(key),
    contentType: descriptor.contentType,
    bytes: descriptor.bytes,
    storedBytes: bytes,
    checksum: descriptor.checksum,
    createdAt: new Date(descriptor.createdAtMs),
    owner: descriptor.owner,
    metadata: descriptor.metadata,
    version,
    isCompressed: descriptor.isCompressed,
    encryptionKeyId: descriptor.encryption?.keyId,
  };
}

/** What the file counts for; one whose description is damaged counts as what lies there. */
export function countedFileOf(info: ObjectInfo): CountedFile {
  const descriptor = decodeDescriptor(info.metadata);
  return {
    key: info.key,
    version: info.version,
    owner: descriptor?.owner,
    extension: extensionOf(info.key),
    bytes: descriptor?.bytes ?? info.bytes,
    storedBytes: info.bytes,
  };
}
