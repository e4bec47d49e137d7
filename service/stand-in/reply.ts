import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** An answer before it is put on the wire. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** JSON as most sources send it: with an entity tag. */
export function jsonReply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return jsonTextReply(status, JSON.stringify(body, null, 2), headers);
}

/** JSON in the source's own layout. */
export function jsonTextReply(status: number, json: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const bytes = Buffer.from(json);
  const hash = createHash('sha1').update(bytes).digest('base64').slice(0, 27);
  const etag = `W/"${bytes.length.toString(16)}-${hash}"`;
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', etag, ...headers }, body: bytes };
}

/** Plain text. */
export function textReply(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: Buffer.from(text) };
}

/** A page. */
export function htmlReply(status: number, html: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', ...headers }, body: Buffer.from(html) };
}

/** Puts an answer on the wire: compressed for who takes it, and 304 for who has it. */
export function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return;
  const isText = /^(?:application\/(?:problem\+)?json|text\/)/.test(reply.headers['content-type'] ?? '');
  const zipped = isText && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const etag = reply.headers['etag'];
  const isUnchanged = reply.status === 200 && etag !== undefined && request.headers['if-none-match']?.includes(etag);
  const body = zipped ? gzipSync(reply.body) : reply.body;
  response.writeHead(isUnchanged ? 304 : reply.status, {
    ...reply.headers,
    ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    ...(isUnchanged || reply.status === 304 ? {} : { 'content-length': body.length }),
  });
  response.end(isUnchanged || request.method === 'HEAD' ? undefined : body);
}
