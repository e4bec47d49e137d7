import { resolve } from 'node:path';
import { type Clock, Secret } from '../kernel/index.ts';
import type { Settings } from '../settings/index.ts';
import { FileStorageManager, KeyRing, LocalStorageStrategy, type StorageStrategy } from '../storage/index.ts';
import { S3StorageStrategy } from '../storage/s3/index.ts';

/** The files of the process: in the folder of the settings, or in the bucket whose address they have. Opens nothing yet. */
export function makeStorage({ storage, externalServices, origins }: Settings, clock: Clock): FileStorageManager {
  const { url, basePath, publicUrl, quotaMaxBytes, quotaMaxFiles } = storage;
  const [signingSecret, ...olderSecrets] = storage.signingSecrets;
  // A bucket, or a Redis, says that there are others. What they change must be seen at once, unless somebody has chosen.
  const isAlone = url === undefined && externalServices.redisUrl === undefined;
  const isChosen = origins['storage.cacheTtlMs'] !== 'default';
  return new FileStorageManager({
    strategy:
      url === undefined
        ? new LocalStorageStrategy({ directory: resolve(basePath), clock })
        : bucketStrategy(new URL(url.reveal()), clock),
    maxFileBytes: storage.maxFileBytes,
    quota:
      quotaMaxBytes === undefined && quotaMaxFiles === undefined
        ? undefined
        : { maxBytes: quotaMaxBytes, maxFiles: quotaMaxFiles },
    checksum: storage.checksum,
    allowedExtensions: storage.allowedExtensions,
    compression: storage.compressionEnabled,
    encryption: storage.encryptionEnabled ? keyRing(storage.encryptionKeys) : undefined,
    acceptPlain: storage.encryptionAcceptsPlain,
    infoTtlMs: isAlone || isChosen ? storage.cacheTtlMs : 0,
    signing:
      publicUrl === undefined || signingSecret === undefined
        ? undefined
        : { baseUrl: publicUrl, secrets: [signingSecret, ...olderSecrets] },
    clock,
  });
}

/** Keys as `name:base64`, the current one first. */
function keyRing(keys: readonly Secret[]): KeyRing {
  const pairs = keys.map(key => {
    const [name = '', base64 = ''] = key.reveal().split(':');
    return [name, new Secret(base64)] as const;
  });
  return new KeyRing({ currentKeyId: pairs[0]?.[0] ?? '', keys: Object.fromEntries(pairs) });
}

/**
 * `s3://key:secret@bucket/prefix?endpoint=https://host:9000&region=eu-central-1`: without a key the SDK looks for
 * credentials by its own rules, without an endpoint it is Amazon's.
 */
function bucketStrategy(url: URL, clock: Clock): StorageStrategy {
  const { hostname, pathname, username, password, searchParams } = url;
  const credentials =
    username === ''
      ? undefined
      : {
          accessKeyId: decodeURIComponent(username),
          secretAccessKey: new Secret(decodeURIComponent(password)),
        };
  return new S3StorageStrategy({
    bucket: hostname,
    prefix: decodeURIComponent(pathname).replace(/^\/+|\/+$/g, ''),
    endpoint: searchParams.get('endpoint') ?? undefined,
    region: searchParams.get('region') ?? undefined,
    credentials,
    clock,
  });
}
