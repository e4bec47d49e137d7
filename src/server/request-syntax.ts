import type { IncomingMessage } from 'node:http';

/** A host as in RFC 3986: a name, an IPv4 address or a bracketed IPv6 address, and a port. */
const hostPattern = /^(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/**
 * What is wrong with a request that the parser let through; undefined when nothing is. Requests with two hosts, or a
 * host that is none, are how caches and proxies are led astray; a null byte ends strings where others read on.
 */
export function syntaxProblem(request: IncomingMessage): string | undefined {
  const hosts = countHosts(request.rawHeaders);
  if (hosts > 1) return 'The request has more than one Host header';
  const host = request.headers.host;
  if (host === undefined ? request.httpVersion !== '1.0' : !hostPattern.test(host)) {
    return 'The Host header is missing or is not a host';
  }
  const { 'transfer-encoding': encoding } = request.headers;
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') return 'The Transfer-Encoding is not chunked';
  if (request.url === '*' && request.method !== 'OPTIONS') return 'The target * is for OPTIONS only';
  if (request.url?.includes('%00')) return 'The path or query contains a null byte';
  return undefined;
}

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
