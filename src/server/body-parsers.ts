import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors/index.ts';

const json = 'application/json';
const text = 'text/plain';

/**
 * Reads bodies as JSON, and as text where the schema of a route says that it `consumes` that. Both are UTF-8: what is not
 * would be stored as something else than was sent, and is refused.
 */
export function setBodyParsers(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser(json, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const problem = problemOf(request, json, body);
    if (problem !== undefined) return done(problem);
    parseJson(request, body.toString(), done);
  });
  app.addContentTypeParser(text, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const problem = problemOf(request, text, body);
    if (problem !== undefined) return done(problem);
    done(null, body.toString());
  });
}

/** Why the body cannot be read as text; undefined when it can. */
function problemOf(request: FastifyRequest, type: string, body: Buffer): ServiceError | undefined {
  const { consumes = [json] } = (request.routeOptions.schema ?? {}) as { consumes?: readonly string[] };
  if (!consumes.includes(type) || !isUtf8Label(request.headers['content-type'] ?? '')) {
    return new ServiceError('This media type is not supported', 'UNSUPPORTED_MEDIA_TYPE');
  }
  return isUtf8(body) ? undefined : new ServiceError('The body is not UTF-8', 'INVALID_ENCODING');
}

function isUtf8Label(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^(?:utf-?8|us-ascii)$/i.test(charset);
}
