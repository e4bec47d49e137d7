import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OpenFdaClient, type OpenFdaClientOptions } from 'plinth/connectors/fda';
import { ConnectionPool } from 'plinth/http';
import { VirtualClock } from 'plinth/testing';
import { describe, expect, it } from 'vitest';
import { serve } from '../settle.fixture.ts';

const data = fileURLToPath(new URL('../../../../shared/data/openfda/', import.meta.url));

interface Recording {
  readonly request: { readonly url: string };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | readonly string[]>>;
    readonly body: string;
  };
}

function readJson<Content>(name: string): Content {
  return JSON.parse(readFileSync(`${data}${name}`, 'utf8')) as Content;
}

/** Asks a server that gives these answers one after the other, with the headers that matter. */
async function ask<Answer>(
  recordings: readonly Recording['response'][],
  question: (openFda: OpenFdaClient) => Promise<Answer>,
  options: OpenFdaClientOptions = {},
): Promise<{ readonly asked: readonly string[]; readonly work: () => Promise<Answer> }> {
  const asked: string[] = [];
  const clock = new VirtualClock();
  const work = async (): Promise<Answer> => {
    await using server = await serve((request, response) => {
      asked.push(request.url ?? '');
      const { status, headers, body } = recordings[
        Math.min(asked.length, recordings.length) - 1
      ] as Recording['response'];
      const kept = ['content-type', 'link', 'etag', 'x-ratelimit-limit', 'x-ratelimit-remaining'];
      const sent = kept.flatMap(name => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
      response.writeHead(status, Object.fromEntries(sent) as Record<string, string>).end(body);
    });
    await using pool = new ConnectionPool();
    await using openFda = new OpenFdaClient({ baseUrl: server.url, pool, clock, ...options });
    return await question(openFda);
  };
  return { asked, work };
}

describe.skipIf(!existsSync(data))('recorded answers (skipped without ../shared/data/openfda)', () => {
  it('trap: pages are followed by Link as it is given, and the page without one is the last', async () => {
    const pages = readJson<readonly Recording[]>('vcr/paging_semaglutide.json');
    const { asked, work } = await ask(
      pages.map(({ response }) => response),
      openFda => openFda.findApplications('semaglutide'),
      { pageSize: 2 },
    );
    const answer = await work();
    expect(answer).toMatchObject({ total: 3, complete: true, unreadable: 0, lastUpdated: '2025-07-09' });
    expect(answer.items).toHaveLength(3);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toBe(pages[1]?.request.url.replace('https://api.fda.gov', ''));
  });

  it('trap: 404 is an empty answer, 500 with a parser error a bad query; neither they nor 400 and 403 are repeated', async () => {
    const recordings = readJson<readonly Recording[]>('vcr/errors.json');
    const told: unknown[] = [];
    for (const { response } of recordings) {
      const { asked, work } = await ask([response], openFda => openFda.findLabels('verapamil'));
      if (response.status === 404) {
        const { items, total, complete } = await work();
        told.push([404, items, total, complete]);
      } else {
        const error = await work().catch(failure => failure);
        const { status, kind, upstreamCode, retryable } = error as Record<string, unknown>;
        told.push([status, kind, upstreamCode, retryable]);
      }
      expect(asked).toHaveLength(1);
    }
    expect(told).toEqual([
      [400, 'query', 'BAD_REQUEST', false],
      [403, 'credentials', 'API_KEY_INVALID', false],
      [404, [], 0, true],
      [404, [], 0, true],
      [500, 'query', 'SERVER_ERROR', false],
    ]);
  });

  it('trap: the body of a 404 of another endpoint is empty as well', async () => {
    const body = readFileSync(`${data}biomcp/device_510k_brca1_20260811.json`, 'utf8');
    const response = { status: 404, headers: { 'content-type': 'application/json' }, body };
    const { work } = await ask([response], openFda => openFda.findProducts('brca1'));
    expect(await work()).toMatchObject({ items: [], total: 0, provenance: { origin: 'live' } });
  });
});
