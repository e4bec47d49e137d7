/** Strategies over a server that a test has started, and what tests do with them. */
import type { S3Client } from '@aws-sdk/client-s3';
import { Secret } from 'plinth/kernel';
import { S3StorageStrategy, type S3StorageStrategyOptions } from 'plinth/storage/s3';
import { serverOrSkip } from '../servers/require.ts';
import { findS3rver, type S3Server } from '../servers/s3.ts';

// The SDK says on every Node 20 that it will need a newer one from January 2027 on: here it need not.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

export const isMissing = serverOrSkip('s3rver', findS3rver()) === undefined;
export const partBytes = 5_242_880;

export function strategyOf(server: S3Server, options: Partial<S3StorageStrategyOptions> = {}): S3StorageStrategy {
  const { endpoint, bucket, accessKeyId } = server;
  const credentials = { accessKeyId, secretAccessKey: new Secret(accessKeyId) };
  return new S3StorageStrategy({ endpoint, bucket, credentials, partBytes, sweepIntervalMs: 0, ...options });
}

/** A client of our own, to do with the bucket what a strategy would not. */
export async function clientOf({ endpoint, accessKeyId }: S3Server): Promise<S3Client> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const credentials = { accessKeyId, secretAccessKey: accessKeyId };
  return new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
}

export async function* chunksOf(content: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

export async function bytesOf(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

export async function textOf(strategy: S3StorageStrategy, key: string): Promise<string | undefined> {
  await using found = await strategy.open(key);
  return found === undefined ? undefined : (await bytesOf(found.read())).toString();
}

export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
