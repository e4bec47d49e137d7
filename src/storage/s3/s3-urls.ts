import { requireDuration } from '../../kernel/index.ts';
import type { DirectUrlOptions } from '../storage-strategy.ts';
import type { S3Requests } from './s3-requests.ts';

/** What a URL for an upload is good for. */
export interface UploadUrlOptions {
  /** How long it may be used, in milliseconds, 1 second to 7 days. */
  readonly expiresInMs: number;
  /** How long the content must be, in bytes. @default any length */
  readonly bytes?: number | undefined;
}

/** A URL under which a stranger uploads a content with one PUT, straight to the server. */
export interface UploadUrl {
  readonly url: string;
  /** To be given to `takeUpload` when the content has arrived. */
  readonly uploadId: string;
}

/** The longest time that a signature of S3 is good for. */
const maxExpiresInMs = 604_800_000;

/** A URL that reads a content. */
export async function signRead(
  requests: S3Requests,
  place: { readonly bucket: string; readonly name: string; readonly nowMs: number },
  { expiresInMs, contentType, filename }: DirectUrlOptions,
): Promise<string> {
  const command = new requests.library.s3.GetObjectCommand({
    Bucket: place.bucket,
    Key: place.name,
    ResponseContentType: contentType,
    ResponseContentDisposition: dispositionOf(filename),
  });
  return await requests.library.presigner.getSignedUrl(requests.client, command, signatureOf(expiresInMs, place.nowMs));
}

/** A URL that writes a content. */
export async function signWrite(
  requests: S3Requests,
  place: { readonly bucket: string; readonly name: string; readonly nowMs: number },
  { expiresInMs, bytes }: UploadUrlOptions,
): Promise<string> {
  const length = bytes === undefined ? {} : { ContentLength: bytes };
  const command = new requests.library.s3.PutObjectCommand({ Bucket: place.bucket, Key: place.name, ...length });
  return await requests.library.presigner.getSignedUrl(requests.client, command, {
    ...signatureOf(expiresInMs, place.nowMs),
    ...(bytes === undefined ? {} : { signableHeaders: new Set(['content-length', 'host']) }),
  });
}

function signatureOf(expiresInMs: number, nowMs: number): { readonly expiresIn: number; readonly signingDate: Date } {
  requireDuration('expiresInMs', expiresInMs, 1_000, maxExpiresInMs);
  return { expiresIn: Math.floor(expiresInMs / 1_000), signingDate: new Date(nowMs) };
}

/** Has browsers save a file under its name, whatever its letters (RFC 6266). */
function dispositionOf(filename: string): string {
  const plain = filename.replaceAll(/[^ -~]|["\\%]/g, '_');
  const exact = encodeURIComponent(filename).replaceAll(
    /['()*]/g,
    letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
