import { afterEach, describe, expect, it } from 'vitest';
import { getRequestContext } from '../context/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { createServer, type Server } from './index.ts';

let server: Server | undefined;

afterEach(() => server?.close());

/** What a handler knows of its caller when the request has these headers. */
async function toldBy(headers: Record<string, string>) {
  const clock = new VirtualClock();
  await clock.advance(1_000);
  server = await createServer({ docsUrl: false, clock });
  server.app.get('/told', () => {
    const { deadlineMs, attempt } = getRequestContext();
    return { deadlineMs: deadlineMs ?? null, attempt: attempt ?? null };
  });
  return (await server.app.inject({ url: '/told', headers })).json() as unknown;
}

describe('a request that its caller has limited', () => {
  it('knows its deadline and its attempt in everything it starts', async () => {
    expect(await toldBy({ 'request-timeout-ms': '800', 'request-attempt': '2' })).toEqual({
      deadlineMs: 1_800,
      attempt: 2,
    });
  });

  it('knows nothing when nothing was said, or nothing that can be believed', async () => {
    expect(await toldBy({})).toEqual({ deadlineMs: null, attempt: null });
    await server?.close();
    expect(await toldBy({ 'request-timeout-ms': 'soon', 'request-attempt': '-1' })).toEqual({
      deadlineMs: null,
      attempt: null,
    });
  });
});
