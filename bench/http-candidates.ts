import type { Candidate } from './question.ts';

/** What all HTTP clients are compared with. */
export const rawHttpCandidate = 'raw sockets';

/** HTTP clients by name, so many requests in flight; what is counted is time on the wall, or CPU time of the client. */
export function httpCandidates(measure: 'cpu' | 'wall', inFlight: number): Readonly<Record<string, Candidate>> {
  const names = [
    rawHttpCandidate,
    'plinth HttpClient, guarded',
    'plinth HttpClient, bare guard',
    'undici Pool.dispatch, own handler',
    'undici Pool.request',
    'undici fetch',
    'global fetch',
  ];
  return Object.fromEntries(
    names.map(name => [name, { program: 'bench/programs/http-client.ts', args: [measure, String(inFlight), name] }]),
  );
}
