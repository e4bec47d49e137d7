/**
 * Starts s3rver on loopback: `node start.mjs <port> <folder> <bucket> [conditions]`. Its HTTP and its XML are used as
 * they are. Added is what every S3 has and s3rver 3.7.1 lacks:
 *
 * - a PUT is answered when its bytes are in the file, and takes the place of the old one in one step; one that breaks off
 *   in the middle leaves nothing;
 * - keys of up to 1,024 bytes of any Unicode, listed in the order of their bytes;
 * - signatures of version 4 are checked, and nobody comes in without one;
 * - ListMultipartUploads and AbortMultipartUpload;
 * - with `conditions`: If-None-Match and If-Match of PUT and If-Match of DELETE, which s3rver ignores; a PUT whose
 *   If-Match finds nothing is answered as Amazon does, with 404.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const require = createRequire(import.meta.url);
const S3rver = require('s3rver');
const FilesystemStore = require('s3rver/lib/stores/filesystem.js');
const S3Error = require('s3rver/lib/models/error.js');

const [port, directory, bucket, conditions] = process.argv.slice(2);

/** The only credentials that s3rver knows: id and secret are the same. */
const secretKey = 'S3RVER';

// Hexadecimal in pieces keeps the order of the bytes and fits into any file system.
FilesystemStore.encodeKeyPath = key =>
  Buffer.from(key)
    .toString('hex')
    .match(/.{1,200}/g)
    ?.join('/') ?? '';
FilesystemStore.decodeKeyPath = path => Buffer.from(path.replaceAll('/', ''), 'hex').toString();

async function writeFile(path, content) {
  const temporary = join(directory, `.${randomUUID()}`);
  const digest = createHash('md5');
  let size = 0;
  await mkdir(dirname(path), { recursive: true });
  try {
    await pipeline(
      content,
      async function* (chunks) {
        for await (const chunk of chunks) {
          digest.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(temporary),
    );
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return { size, md5: digest.digest('hex') };
}

FilesystemStore.prototype.putObject = async function (object) {
  const path = this.getResourcePath(object.bucket, object.key, 'object');
  const written = await writeFile(path, object.content);
  await this.putMetadata(object.bucket, object.key, object.metadata, written.md5);
  return written;
};

FilesystemStore.prototype.deleteObject = async function (name, key) {
  for (const part of ['object', 'object.md5', 'metadata.json']) {
    await rm(this.getResourcePath(name, key, part), { force: true });
  }
};

FilesystemStore.prototype.putPart = async function (name, uploadId, partNumber, content) {
  const folder = join(this.getResourcePath(name, undefined, 'uploads'), uploadId);
  const known = await stat(folder).catch(() => undefined);
  if (known === undefined) throw new S3Error('NoSuchUpload', 'The specified upload does not exist.');
  const path = join(folder, String(partNumber));
  const written = await writeFile(path, content);
  await writeFile(`${path}.md5`, [written.md5]);
  return written;
};

// The first byte alone: s3rver takes the end 0 for none.
const { getObject } = FilesystemStore.prototype;
FilesystemStore.prototype.getObject = function (name, key, options) {
  return getObject.call(this, name, key, options?.end === 0 ? { ...options, end: '0' } : options);
};

const server = new S3rver({
  address: '127.0.0.1',
  port: Number(port),
  directory,
  silent: true,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket }],
});
const { store } = server;

const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

async function listUploads(ctx) {
  const root = store.getResourcePath(bucket, undefined, 'uploads');
  const ids = await readdir(root).catch(() => []);
  const uploads = await Promise.all(
    ids.map(async id => {
      const key = await readFile(join(root, id, 'key'), 'utf8');
      const { mtime } = await stat(join(root, id, 'key'));
      return { id, key, begun: mtime.toISOString() };
    }),
  );
  const found = uploads.filter(({ key }) => key.startsWith(ctx.query.prefix ?? ''));
  const items = found.map(
    ({ id, key, begun }) =>
      `<Upload><Key>${escaped(key)}</Key><UploadId>${id}</UploadId><Initiated>${begun}</Initiated></Upload>`,
  );
  ctx.status = 200;
  ctx.type = 'application/xml';
  ctx.body = `<ListMultipartUploadsResult><Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated>${items.join('')}</ListMultipartUploadsResult>`;
}

async function abortUpload(ctx) {
  await rm(join(store.getResourcePath(bucket, undefined, 'uploads'), ctx.query.uploadId), { recursive: true });
  ctx.status = 204;
}

/** Behind s3rver's own handling, so that signatures have been checked. */
server.middleware.unshift(async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    if (error.code === 'NotImplemented' && ctx.method === 'GET' && 'uploads' in ctx.query) await listUploads(ctx);
    else if (error.code === 'MethodNotAllowed' && ctx.method === 'DELETE' && 'uploadId' in ctx.query) {
      await abortUpload(ctx);
    } else throw error;
  }
});

let turn = Promise.resolve();

/** Small writes one after the other, each if its condition is met, and no read in the middle of one. */
async function inTurn(ctx, next) {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = ctx.headers;
  const isConditional = (ifMatch ?? ifNoneMatch) !== undefined && ['PUT', 'DELETE'].includes(ctx.method);
  if (ctx.method !== 'GET' && !isConditional) return await next();
  const before = turn;
  let release;
  turn = new Promise(resolve => {
    release = resolve;
  });
  await before;
  try {
    if (isConditional && conditions === 'conditions') {
      const key = decodeURIComponent(ctx.path.slice(bucket.length + 2));
      const current = await store.getMetadata(bucket, key).catch(() => undefined);
      const isMet = ifMatch === undefined ? current === undefined : current?.etag === ifMatch;
      if (!isMet && ifMatch !== undefined && current === undefined && ctx.method === 'PUT') {
        throw new S3Error('NoSuchKey', 'The specified key does not exist.');
      }
      if (!isMet) throw new S3Error('PreconditionFailed', 'A condition that you have set does not hold');
    }
    await next();
  } finally {
    release();
  }
}
server.middleware.unshift(inTurn);

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = text => createHash('sha256').update(text).digest('hex');
const encoded = text =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);

/** What a request says of its signature: in a header, or in its query when it was signed for others. */
function signatureOf(ctx) {
  const { query } = ctx;
  if ('X-Amz-Signature' in query) {
    return {
      credential: query['X-Amz-Credential'],
      signedHeaders: query['X-Amz-SignedHeaders'],
      signature: query['X-Amz-Signature'],
      date: query['X-Amz-Date'],
      payload: 'UNSIGNED-PAYLOAD',
    };
  }
  const parts = /Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)/.exec(ctx.get('authorization'));
  if (parts === null) throw new S3Error('AccessDenied', 'Access Denied');
  const [, credential, signedHeaders, signature] = parts;
  return {
    credential,
    signedHeaders,
    signature,
    date: ctx.get('x-amz-date'),
    payload: ctx.get('x-amz-content-sha256'),
  };
}

/** Signature version 4, as https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html describes it. */
async function checkSignature(ctx, next) {
  const { credential, signedHeaders, signature, date, payload } = signatureOf(ctx);
  const [accessKeyId, day, region, service, end] = credential.split('/');
  // Whoever is not known at all is told so behind.
  if (accessKeyId !== secretKey) return await next();
  const query = [...new URLSearchParams(ctx.querystring)]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&');
  const names = signedHeaders.split(';');
  const headers = names.map(name => `${name}:${ctx.get(name).trim().replaceAll(/ +/g, ' ')}\n`).join('');
  const [path] = ctx.req.url.split('?');
  const canonical = [ctx.method, path, query, headers, signedHeaders, payload].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, [day, region, service, end].join('/'), sha256(canonical)].join('\n');
  const key = [day, region, service, end].reduce(hmac, `AWS4${secretKey}`);
  if (hmac(key, text).toString('hex') !== signature) {
    throw new S3Error('SignatureDoesNotMatch', 'The signature does not match', { StringToSign: text });
  }
  await next();
}
server.middleware.unshift(checkSignature);

await server.run();
process.stdout.write('Ready\n');
