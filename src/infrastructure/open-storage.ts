import { resolve } from 'node:path';
import { type Clock, Secret } from '../kernel/index.ts';
import type { StorageSettings } from '../settings/index.ts';
import { FileStorageManager, LocalStorageStrategy, type StorageStrategy } from '../storage/index.ts';
import { S3StorageStrategy } from '../storage/s3/index.ts';

/** The files of the process: in the folder of the settings, or in the bucket whose address they have. Opens nothing yet. */
export function makeStorage(settings: StorageSettings, clock: Clock): FileStorageManager {
  const { url, basePath, maxFileBytes, compressionEnabled: compression } = settings;
  const strategy =
    url === undefined
      ? new LocalStorageStrategy({ directory: resolve(basePath), clock })
      : bucketStrategy(new URL(url.reveal()), clock);
  return new FileStorageManager({ strategy, maxFileBytes, compression, clock });
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
