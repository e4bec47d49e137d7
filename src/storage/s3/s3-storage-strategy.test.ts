import { describe, expect, it } from 'vitest';
import { ConfigurationError, NetworkError, NotFoundError, RateLimitError, UpstreamError } from '../../errors/index.ts';
import { Secret } from '../../kernel/index.ts';
import { S3StorageStrategy, type S3StorageStrategyOptions } from './index.ts';
import { loadS3 } from './load-s3.ts';
import { decodeEntry, EntryNames, encodeEntry } from './s3-entry.ts';
import { ConditionFailedError, requestFailure, storageFailure } from './s3-failure.ts';
import { requireS3Settings } from './s3-options.ts';

describe('S3StorageStrategy refuses options that cannot work', () => {
  it.each<[string, Partial<S3StorageStrategyOptions>, string]>([
    ['bucket', { bucket: 'My_Bucket' }, 'Cannot use bucket "My_Bucket": expected 3 to 63 lower-case letters'],
    ['bucket', { bucket: '../other' }, 'Cannot use bucket "../other"'],
    ['region', { region: ' ' }, 'Cannot use region " "'],
    ['endpoint', { endpoint: 's3.example' }, 'Cannot use endpoint: expected an http or https address'],
    ['endpoint', { endpoint: 'ftp://s3.example' }, 'Cannot use endpoint'],
    ['prefix', { prefix: '../x' }, 'Cannot use prefix "../x"'],
    ['prefix', { prefix: 'p'.repeat(64) }, 'expected at most 64'],
    ['partBytes', { partBytes: 1_048_576 }, 'expected a whole number from 5242880'],
    ['partConcurrency', { partConcurrency: 0 }, 'Cannot use partConcurrency'],
    ['maxAttempts', { maxAttempts: 0 }, 'Cannot use maxAttempts'],
    ['requestTimeoutMs', { requestTimeoutMs: 0 }, 'Cannot use requestTimeoutMs'],
    ['keepReplacedMs', { keepReplacedMs: -1 }, 'Cannot use keepReplacedMs'],
    ['sweepIntervalMs', { sweepIntervalMs: 1 }, 'Cannot use sweepIntervalMs'],
    ['staleAfterMs', { staleAfterMs: 0 }, 'Cannot use staleAfterMs'],
    [
      'credentials.secretAccessKey',
      { credentials: { accessKeyId: 'id', secretAccessKey: new Secret('') } },
      'expected a Secret that is not empty',
    ],
  ])('%s', (argument, options, message) => {
    const make = (): S3StorageStrategy => new S3StorageStrategy({ bucket: 'files', ...options });
    expect(make).toThrow(expect.objectContaining({ argument, message: expect.stringContaining(message) }));
  });

  it('does not show an endpoint that may hold a password', () => {
    const make = (): S3StorageStrategy =>
      new S3StorageStrategy({ bucket: 'files', endpoint: 'https://me:sesame@s3.example' });
    expect(make).toThrow(expect.objectContaining({ message: expect.not.stringContaining('sesame') }));
  });

  it('puts a slash behind the prefix, and names the bucket in the path of other servers', () => {
    expect(requireS3Settings({ bucket: 'files', prefix: 'a/b' }).prefix).toBe('a/b/');
    expect(requireS3Settings({ bucket: 'files' }).forcePathStyle).toBe(false);
    expect(requireS3Settings({ bucket: 'files', endpoint: 'http://localhost:9000' }).forcePathStyle).toBe(true);
  });
});

describe('the sweep of S3', () => {
  it('happens by itself below a prefix, and elsewhere only when it is asked for: there may be other things', () => {
    const intervalOf = (options: Partial<S3StorageStrategyOptions>): number =>
      requireS3Settings({ bucket: 'files', ...options }).sweepIntervalMs;
    expect(intervalOf({ prefix: 'files' })).toBe(86_400_000);
    expect(intervalOf({})).toBe(0);
    expect(intervalOf({ sweepIntervalMs: 3_600_000 })).toBe(3_600_000);
    expect(intervalOf({ prefix: 'files', sweepIntervalMs: 0 })).toBe(0);
  });
});

describe('entries of S3', () => {
  const entry = { key: 'a/ü.txt', contentId: 'c', revision: 'r', bytes: 7, metadata: '{"für":"alle"}' };

  it('are read as they were written, with metadata of any length and alphabet', () => {
    for (const metadata of ['', '日本', 'm'.repeat(10_000)]) {
      expect(decodeEntry(entry.key, encodeEntry({ ...entry, metadata }))).toEqual({ ...entry, metadata });
    }
  });

  it.each([
    ['nothing', ''],
    ['half of it', encodeEntry(entry).slice(0, 30)],
    ['something else', '[]'],
    ['null', 'null'],
    ['that of another key', encodeEntry({ ...entry, key: 'b' })],
    ['a length that is none', encodeEntry({ ...entry, bytes: -1 })],
    ['a later format', encodeEntry(entry).replace('"format":1', '"format":2')],
  ])('are not made of %s', (_, text) => {
    expect(decodeEntry(entry.key, text)).toBeUndefined();
  });

  it('say which content belongs to which key', () => {
    const names = new EntryNames('p/');
    expect(names.ofContent(names.content('a/b', 'id'))).toEqual({ key: 'a/b', id: 'id' });
    expect(names.keyOfEntry(names.entry('a/b'))).toBe('a/b');
    for (const name of ['p/contents/x', 'p/uploads/a/id', 'q/contents/a/id']) {
      expect(names.ofContent(name)).toBeUndefined();
    }
  });

  it('fit into the names of S3 with the longest key and prefix', () => {
    const names = new EntryNames(`${'p'.repeat(63)}/`);
    expect(names.content('k'.repeat(900), crypto.randomUUID()).length).toBeLessThanOrEqual(1_024);
  });
});

describe('errors of the SDK', () => {
  const answer = (name: string, httpStatusCode: number): unknown =>
    Object.assign(new TypeError('of the SDK'), {
      name,
      $metadata: { httpStatusCode, requestId: 'r-1' },
      StringToSign: 'secret',
    });

  it.each([
    ['NoSuchKey', 404, NotFoundError, false],
    ['NoSuchBucket', 404, UpstreamError, false],
    ['PreconditionFailed', 412, ConditionFailedError, false],
    ['ConditionalRequestConflict', 409, ConditionFailedError, false],
    ['SlowDown', 503, RateLimitError, true],
    ['InternalError', 500, UpstreamError, true],
    ['AccessDenied', 403, UpstreamError, false],
    ['SyntaxError', 200, UpstreamError, true],
  ])('become ours: %s %i', (name, status, type, retryable) => {
    const failure = requestFailure(answer(name, status));
    expect(failure).toBeInstanceOf(type);
    expect(failure).toMatchObject({ retryable });
  });

  it('tell of missing credentials and broken connections', () => {
    const missing = Object.assign(new TypeError('none'), { name: 'CredentialsProviderError' });
    expect(requestFailure(missing)).toBeInstanceOf(ConfigurationError);
    const broken = Object.assign(new TypeError('broken'), { code: 'ECONNRESET' });
    expect(requestFailure(broken)).toBeInstanceOf(NetworkError);
    expect(requestFailure(broken)).toMatchObject({ retryable: true, details: { system_code: 'ECONNRESET' } });
  });

  it('say what was to be done and how to mend it, and nothing of what was signed', () => {
    const failure = storageFailure('write', 'a.txt', 'files', requestFailure(answer('NoSuchBucket', 404)));
    expect(failure).toMatchObject({
      code: 'STORAGE_ERROR',
      message:
        'Cannot write "a.txt": the bucket "files" does not exist; create it, or correct its name and endpoint (NoSuchBucket)',
      details: { s3_code: 'NoSuchBucket', status: 404, request_id: 'r-1' },
    });
    expect(((failure as Error).cause as Error).cause).toBeUndefined();
  });

  it('pass through when they are ours already', () => {
    const ours = new RangeError('Left');
    expect(storageFailure('write', 'a.txt', 'files', ours)).toBe(ours);
  });
});

describe('the packages of the SDK', () => {
  it('are asked for by name when they are missing', async () => {
    const missing = loadS3(() => Promise.reject(new TypeError('Cannot find package')));
    await expect(missing).rejects.toThrow('npm install @aws-sdk/client-s3 @aws-sdk/s3-request-presigner');
  });
});
