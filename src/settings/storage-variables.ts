import { bucketAddress, webAddress } from './address-kinds.ts';
import type { SettingsTree } from './settings.ts';
import { fileExtension, fileKey, signingSecret } from './storage-kinds.ts';
import { boolean, choice, durationOrZero, integer, line, list } from './value-kind.ts';
import type { VariableTree } from './variable.ts';

/** The variables of files. */
export const storageVariables: VariableTree<Pick<SettingsTree, 'storage'>> = {
  storage: {
    url: {
      name: 'STORAGE_URL',
      kind: bucketAddress,
      fallback: undefined,
      fallbackText: 'the local folder',
      description:
        'Address of an S3-compatible store: `s3://key:secret@bucket/prefix?endpoint=https://host:9000&region=eu-central-1`; key, prefix, endpoint and region may be left out.',
      sample: 's3://bucket/prefix',
    },
    basePath: {
      name: 'STORAGE_BASE_PATH',
      kind: line,
      fallback: tree => `${tree.service.dataDirectory.replace(/\/+$/, '')}/storage`,
      fallbackText: '`storage` in DATA_DIR',
      description: 'Folder of the local store.',
      sample: './storage',
    },
    maxFileBytes: {
      name: 'STORAGE_MAX_FILE_BYTES',
      kind: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fallback: 104_857_600,
      description: 'Largest file that is accepted, in bytes.',
    },
    cacheTtlMs: {
      name: 'STORAGE_CACHE_TTL',
      kind: durationOrZero(),
      fallback: 3_600_000,
      description:
        'How long the process remembers what is known of a file (`getFileInfo`). Its own changes are seen at once, those of other processes after this time; `0s` asks the store each time. With a bucket or `REDIS_URL` there may be others: then the store is asked each time unless this is set.',
    },
    quotaMaxBytes: {
      name: 'STORAGE_QUOTA_MAX_BYTES',
      kind: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fallback: undefined,
      fallbackText: 'no limit',
      description: 'How much each owner may store, in bytes. Every file needs an owner then.',
      sample: '1073741824',
    },
    quotaMaxFiles: {
      name: 'STORAGE_QUOTA_MAX_FILES',
      kind: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fallback: undefined,
      fallbackText: 'no limit',
      description: 'How many files each owner may store. Every file needs an owner then.',
      sample: '10000',
    },
    checksum: {
      name: 'STORAGE_CHECKSUM',
      kind: choice('poly1305', 'sha256'),
      fallback: 'poly1305',
      description:
        'What is taken of every content: enough to find damage, or also its SHA-256, which names it for others.',
    },
    compressionEnabled: {
      name: 'STORAGE_COMPRESSION_ENABLED',
      kind: boolean,
      fallback: true,
      description: 'Whether files are compressed.',
    },
    allowedExtensions: {
      name: 'STORAGE_ALLOWED_EXTENSIONS',
      kind: list(fileExtension),
      fallback: undefined,
      fallbackText:
        '`.pdf`, `.txt`, `.md`, `.csv`, `.tsv`, `.json`, `.png`, `.jpg`, `.jpeg`, `.gif`, `.webp`, `.docx`, `.xlsx`, `.pptx`',
      description: 'Which files are accepted, by their extension.',
      sample: '.pdf,.png,.jpg',
    },
    encryptionEnabled: {
      name: 'STORAGE_ENCRYPTION_ENABLED',
      kind: boolean,
      fallback: false,
      description: 'Whether files are encrypted; it needs a key.',
    },
    encryptionKeys: {
      name: 'STORAGE_ENCRYPTION_KEYS',
      kind: list(fileKey),
      fallback: [],
      description:
        'Keys as `name:base64`, 32 random bytes each (`openssl rand -base64 32`). The first one encrypts, all of them decrypt: put a new one in front, and take the old one away after `rotateKeys()`.',
    },
    encryptionAcceptsPlain: {
      name: 'STORAGE_ENCRYPTION_ACCEPTS_PLAIN',
      kind: boolean,
      fallback: false,
      description:
        'Whether files from before encryption was turned on can still be read; who can write to the store could put one in the place of an encrypted one.',
    },
    publicUrl: {
      name: 'STORAGE_PUBLIC_URL',
      kind: webAddress(),
      fallback: undefined,
      fallbackText: 'no links are signed',
      description:
        'Address at which the service answers signed links to files, such as `https://files.example/files`; it needs a secret.',
    },
    signingSecrets: {
      name: 'STORAGE_SIGNING_SECRETS',
      kind: list(signingSecret),
      fallback: [],
      description:
        'Secrets of signed links, of at least 32 characters each (`openssl rand -base64 48`). The first one signs, all of them are accepted.',
    },
  },
};
