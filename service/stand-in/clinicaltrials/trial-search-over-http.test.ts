import { MemoryCache } from 'plinth/cache';
import { ClinicalTrialsError } from 'plinth/connectors/clinicaltrials';
import { ScraperError } from 'plinth/errors';
import { pipeline } from 'plinth/pipeline';
import { describe, expect, it } from 'vitest';
import { failureOf, serve, settle } from '../settle.fixture.ts';
import { tokenLifetimeMs, useTrialsFixture } from './clinical-trials.fixture.ts';

const fixture = useTrialsFixture();

async function idsOf(trials: AsyncIterable<{ readonly nctId: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { nctId } of trials) ids.push(nctId);
  return ids;
}

describe('a search of ClinicalTrialsScraper', () => {
  it('answers the document’s own question, and says where the answer comes from', async () => {
    const answer = await settle(
      fixture.clock,
      fixture.trials.searchTrials({ condition: 'NSCLC', intervention: 'pembrolizumab', status: 'RECRUITING' }),
    );
    expect(answer.trials.map(({ nctId, status }) => [nctId, status])).toEqual([
      ['NCT06345729', 'RECRUITING'],
      ['NCT06119581', 'RECRUITING'],
    ]);
    expect(answer).toMatchObject({ total: null, complete: true, unreadable: 0 });
    expect(answer).toMatchObject({ source: 'clinicaltrials', origin: 'recorded', freshness: 'fresh', ageMs: 0 });
    expect(Number.isNaN(Date.parse(answer.fetchedAt))).toBe(false);
  });

  it.each([
    ...[
      'osimertinib',
      'pembrolizumab',
      'erlotinib',
      'gefitinib',
      'crizotinib',
      'alectinib',
      'atezolizumab',
      'imatinib',
    ],
    ...['atorvastatin', 'metformin', 'semaglutide'],
  ])('finds trials of %s, which the FDA’s stand-in knows too', async intervention => {
    const { trials: found } = await settle(fixture.clock, fixture.trials.searchTrials({ intervention, status: 'ANY' }));
    expect(found.length).toBeGreaterThan(0);
  });

  it('finds nothing without a failure', async () => {
    const answer = await settle(fixture.clock, fixture.trials.searchTrials({ condition: 'scurvy', countTotal: true }));
    expect(answer).toMatchObject({ trials: [], total: 0, complete: true });
  });

  it('pages to the missing token, and counts on the first page (trap: totalCount)', async () => {
    const query = { status: 'ANY', pageSize: 5, countTotal: true } as const;
    const answer = await settle(fixture.clock, fixture.trials.searchTrials(query));
    expect(answer).toMatchObject({ total: 27, complete: true });
    expect(new Set(answer.trials.map(({ nctId }) => nctId)).size).toBe(27);
    expect(fixture.standIn.stats().byRoute).toEqual({ '/api/v2/studies': 6 });
  });

  it('tells the total with the first page only, and which page is the last', async () => {
    const pages: unknown[] = [];
    const walk = async (): Promise<void> => {
      const query = { intervention: 'semaglutide', status: 'ANY', pageSize: 2, countTotal: true } as const;
      for await (const { trials: found, total, isLast, origin } of fixture.trials.trialPages(query)) {
        pages.push([found.length, total, isLast, origin]);
      }
    };
    await settle(fixture.clock, walk());
    expect(pages).toEqual([
      [2, 3, false, 'recorded'],
      [1, null, true, 'recorded'],
    ]);
  });

  it('stops at the limit and says that there are more', async () => {
    const limited = await settle(
      fixture.clock,
      fixture.trials.searchTrials({ status: 'ANY', limit: 7, pageSize: 5, countTotal: true }),
    );
    expect(limited.trials).toHaveLength(7);
    expect(limited).toMatchObject({ total: 27, complete: false });
    expect(fixture.standIn.stats().requests).toBe(2);
    const whole = await settle(fixture.clock, fixture.trials.searchTrials({ status: 'ANY', limit: 27, pageSize: 9 }));
    expect(whole.complete).toBe(true);
    const cut = await settle(fixture.clock, fixture.trials.searchTrials({ status: 'ANY', limit: 26, pageSize: 9 }));
    expect(cut.trials).toHaveLength(26);
    expect(cut.complete).toBe(false);
    expect(await settle(fixture.clock, idsOf(fixture.trials.allTrials({ status: 'ANY', limit: 3 })))).toHaveLength(3);
  });

  it('asks no further than it is read', async () => {
    const firstPage = async (): Promise<number> => {
      for await (const { trials: found } of fixture.trials.trialPages({ status: 'ANY', pageSize: 2 }))
        return found.length;
      return 0;
    };
    expect(await settle(fixture.clock, firstPage())).toBe(2);
    expect(fixture.standIn.stats().requests).toBe(1);
  });

  it('begins anew, once, when the token of a page has expired, and gives no study twice (trap: daily refresh)', async () => {
    const restarts: number[] = [];
    fixture.trials.events.on('restarted', ({ pages }) => restarts.push(pages));
    const ids: string[] = [];
    const walk = async (): Promise<void> => {
      for await (const page of fixture.trials.trialPages({ status: 'ANY', pageSize: 10 })) {
        if (ids.length === 0) await fixture.clock.advance(tokenLifetimeMs);
        ids.push(...page.trials.map(({ nctId }) => nctId));
      }
    };
    await settle(fixture.clock, walk());
    expect(ids).toHaveLength(27);
    expect(new Set(ids).size).toBe(27);
    expect(restarts).toEqual([1]);
    expect(fixture.standIn.stats().requests).toBe(5);
  });

  it('begins anew past the cache, which has the page with the expired token', async () => {
    const cache = new MemoryCache<unknown>({ name: 'trials', clock: fixture.clock, ttlMs: 10 * tokenLifetimeMs });
    await using cached = fixture.create({
      cache,
      guard: pipeline('clinicaltrials', { clock: fixture.clock }).cache(cache).build(),
    });
    const query = { status: 'ANY', pageSize: 20 } as const;
    for await (const _page of cached.trialPages(query)) break;
    await fixture.clock.advance(tokenLifetimeMs);
    const answer = await settle(fixture.clock, cached.searchTrials(query));
    expect(answer.trials).toHaveLength(27);
    expect(answer.complete).toBe(true);
  });

  it('gives up when tokens expire again and again', async () => {
    const walk = async (): Promise<void> => {
      for await (const _page of fixture.trials.trialPages({ status: 'ANY', pageSize: 5 }))
        await fixture.clock.advance(tokenLifetimeMs);
    };
    const error = await failureOf(fixture.clock, walk());
    expect(error).toBeInstanceOf(ClinicalTrialsError);
    expect(error).toMatchObject({ kind: 'query', status: 400, retryable: false });
  });

  it('reads on past a page with fewer studies or none (trap: a page’s length says nothing)', async () => {
    const asked: (string | null)[] = [];
    await using server = await serve((request, response) => {
      const token = new URL(request.url ?? '', 'http://x').searchParams.get('pageToken');
      asked.push(token);
      const study = {
        protocolSection: {
          identificationModule: { nctId: 'NCT00000001' },
          statusModule: { overallStatus: 'RECRUITING' },
        },
      };
      const page =
        token === null
          ? { studies: [], nextPageToken: 'a' }
          : token === 'a'
            ? { studies: [study], nextPageToken: 'b' }
            : { studies: [study] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(page));
    });
    await using scraper = fixture.create({ baseUrl: server.url });
    const answer = await settle(fixture.clock, scraper.searchTrials({ condition: 'x' }));
    expect(asked).toEqual([null, 'a', 'b']);
    expect(answer.trials.map(({ nctId }) => nctId)).toEqual(['NCT00000001']);
    expect(answer).toMatchObject({ complete: true, origin: 'live' });
  });

  it('does not walk in circles', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"studies":[],"nextPageToken":"a"}');
    });
    await using scraper = fixture.create({ baseUrl: server.url });
    expect(await failureOf(fixture.clock, scraper.searchTrials({ condition: 'x' }))).toBeInstanceOf(ScraperError);
  });

  it('counts studies with one small page', async () => {
    expect(
      await settle(fixture.clock, fixture.trials.countTrials({ condition: 'NSCLC', status: 'ANY' })),
    ).toMatchObject({
      total: 18,
    });
    expect(fixture.standIn.stats().requests).toBe(1);
  });

  it('gives a record whole with the pieces that were asked for', async () => {
    const { trials: found } = await settle(
      fixture.clock,
      fixture.trials.searchTrials({ ids: 'NCT02513394', status: 'ANY', fields: ['LocationCity'] }),
    );
    expect(found[0]?.record).toMatchObject({
      protocolSection: { contactsLocationsModule: { locations: [{ city: 'Mobile' }, { city: 'Mobile' }] } },
    });
  });
});
