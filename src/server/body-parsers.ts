import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors/index.ts';

const json = 'application/json';
const text = 'text/plain';

type Done = (error: Error | null, body?: unknown) => void;

/**
 * Reads bodies as JSON, and as text where the schema of a route says that it `consumes` that. Both are UTF-8: what is not
 * would be stored as something else than was sent, and is refused. So is every other type, by what the route would take.
 */
export function setBodyParsers(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  const read = (type: string, parse: (request: FastifyRequest, body: string, done: Done) => void): void => {
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (request, body: Buffer, done: Done) => {
      // Nothing is there that could take a body: that is what is answered.
      if (request.is404) return done(null);
      const problem = problemOf(request, type, body);
      if (problem !== undefined) return done(problem);
      parse(request, body.toString(), done);
    });
  };
  read(json, (request, body, done) => {
    parseJson(request, body, (error, value) => (error === null ? done(null, value) : done(jsonProblem(body))));
  });
  read(text, (_, body, done) => done(null, body));
  read('*', (_, body, done) => done(null, body));
}

/** Why the body cannot be read as text; undefined when it can. */
function problemOf(request: FastifyRequest, type: string, body: Buffer): ServiceError | undefined {
  const { consumes = [json] } = (request.routeOptions.schema ?? {}) as { consumes?: readonly string[] };
  const { 'content-type': contentType = '', 'content-encoding': coding = 'identity' } = request.headers;
  if (!consumes.includes(type) || !isUtf8Label(contentType)) {
    return unsupported(`This media type is not supported: expected ${consumes.join(' or ')} in UTF-8`);
  }
  if (coding.trim().toLowerCase() !== 'identity') {
    return unsupported('Bodies are taken uncompressed: send it as it is, without Content-Encoding');
  }
  return isUtf8(body) ? undefined : new ServiceError('The body is not UTF-8', 'INVALID_ENCODING');
}

function unsupported(message: string): ServiceError {
  return new ServiceError(message, 'UNSUPPORTED_MEDIA_TYPE');
}

function isUtf8Label(contentType: string): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1];
  return charset === undefined || /^(?:utf-?8|us-ascii)$/i.test(charset);
}

/** Why a text was refused as JSON. */
function jsonProblem(body: string): ServiceError {
  return new ServiceError(wordsFor(body), 'INVALID_JSON');
}

function wordsFor(body: string): string {
  if (body === '') return 'The body is empty: expected JSON';
  try {
    JSON.parse(body);
  } catch {
    return 'The body is not valid JSON';
  }
  // What is JSON and was refused holds what could change the prototype of an object.
  return 'The body has a key that is not allowed: "__proto__", or "constructor" with "prototype" in it';
}
