import { OpenFdaClient, type OpenFdaClientOptions, OpenFdaError } from 'plinth/connectors/fda';
import { Secret } from 'plinth/kernel';
import { pipeline } from 'plinth/pipeline';
import { CircuitBreaker } from 'plinth/resilience';
import { describe, expect, it } from 'vitest';
import { failureOf, serve } from '../settle.fixture.ts';
import { useFdaFixture } from './fda.fixture.ts';

const fixture = useFdaFixture();

describe('OpenFdaClient', () => {
  function client(options: OpenFdaClientOptions = {}): OpenFdaClient {
    const { clock, pool, standIn } = fixture;
    const guard = pipeline('openfda', { clock }).retry({ maxAttempts: 3 }).build();
    return new OpenFdaClient({ baseUrl: standIn.addresses.openFda, pool, guard, clock, ...options });
  }

  it('follows Link to the end', async () => {
    const answer = await client({ pageSize: 2 }).findApplications('semaglutide');
    expect(answer.items.map(application => application.applicationNumber)).toEqual([
      'NDA209637',
      'NDA213051',
      'NDA215256',
    ]);
    expect(answer).toMatchObject({ total: 3, complete: true });
    expect(fixture.standIn.stats().requests).toBe(2);
  });

  it('takes the 404 behind a full last page for the end', async () => {
    const answer = await client({ pageSize: 1 }).findApplications('iressa');
    expect(answer).toMatchObject({ total: 2, complete: true });
    expect(answer.items).toHaveLength(2);
    expect(fixture.standIn.stats().requests).toBe(3);
  });

  it('stops at maxRecords and says that there are more', async () => {
    const answer = await client({ pageSize: 1, maxRecords: 2 }).findApplications('semaglutide');
    expect(answer).toMatchObject({ total: 3, complete: false });
    expect(answer.items).toHaveLength(2);
  });

  it('sends the key where no log sees it', async () => {
    const seen: string[] = [];
    const guard = pipeline('openfda', { clock: fixture.clock }).build();
    guard.events.on('call', call => seen.push(JSON.stringify(call)));
    await client({ guard, apiKey: new Secret('good-key') }).findApplications('tagrisso');
    expect(seen).toHaveLength(1);
    expect(seen.join()).not.toContain('good-key');
  });

  it('knows a wrong key from a wrong query, and repeats neither', async () => {
    const refused = await failureOf(
      fixture.clock,
      client({ apiKey: new Secret('bad-key') }).findApplications('tagrisso'),
    );
    expect(refused).toBeInstanceOf(OpenFdaError);
    expect(refused).toMatchObject({
      kind: 'credentials',
      status: 403,
      upstreamCode: 'API_KEY_INVALID',
      retryable: false,
    });
    expect(JSON.stringify(refused)).not.toContain('bad-key');
    // The client never writes a search that openFDA cannot read, so the server is told to say so.
    fixture.standIn.behave({ pathPrefix: '/drug', failWith: 400 });
    const unreadable = await failureOf(fixture.clock, client().findApplications('tagrisso'));
    expect(unreadable).toMatchObject({ kind: 'query', status: 400, retryable: false });
    expect(fixture.standIn.stats().requests).toBe(2);
  });

  it('takes a parser error behind status 500 for a wrong query, and other 500s for failures of the server', async () => {
    const bodyOf = (details: string): string =>
      JSON.stringify({ error: { code: 'SERVER_ERROR', message: 'Check your request and try again', details } });
    const asked: string[] = [];
    await using server = await serve((request, response) => {
      const name = request.url?.includes('tagrisso') ? 'tagrisso' : 'tarceva';
      asked.push(name);
      const details = name === 'tagrisso' ? '[token_mgr_error] Lexical error' : 'Out of memory';
      response.writeHead(500, { 'content-type': 'application/json' }).end(bodyOf(details));
    });
    const breaker = new CircuitBreaker({ clock: fixture.clock });
    const guard = pipeline('openfda', { clock: fixture.clock }).retry({ maxAttempts: 3 }).breaker(breaker).build();
    const kindOf = async (name: string): Promise<unknown> =>
      failureOf(fixture.clock, client({ baseUrl: server.url, guard }).findApplications(name));
    expect(await kindOf('tagrisso')).toMatchObject({ kind: 'query', upstreamCode: 'SERVER_ERROR', retryable: false });
    expect(breaker.snapshot().failures).toBe(0);
    expect(await kindOf('tarceva')).toMatchObject({ kind: 'server', retryable: true });
    expect(breaker.snapshot().failures).toBe(3);
    expect(asked).toEqual(['tagrisso', 'tarceva', 'tarceva', 'tarceva']);
  });
});
