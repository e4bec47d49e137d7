import { readdir } from 'node:fs/promises';
import { FdaUnavailableError } from 'plinth/connectors/fda';
import { describe, expect, it } from 'vitest';
import { failureOf, settle } from '../settle.fixture.ts';
import { useFdaFixture } from './fda.fixture.ts';

const fixture = useFdaFixture();

describe('one source failing', () => {
  it('does not hide the Orange Book', async () => {
    fixture.standIn.behave({ pathPrefix: '/drug', failWith: 503 });
    const answer = await settle(fixture.clock, fixture.fda.searchDrug('tagrisso'));
    expect(answer.results).toMatchObject([{ sources: ['orange-book'] }, { sources: ['orange-book'] }]);
    expect(answer.sources[1]).toMatchObject({
      status: 'failed',
      origin: null,
      freshness: null,
      errorCode: 'UPSTREAM_ERROR',
    });
  });

  it('does not hide openFDA', async () => {
    fixture.standIn.behave({ pathPrefix: '/media', html: true });
    const answer = await settle(fixture.clock, fixture.fda.getApprovalInfo('tagrisso'));
    expect(answer.firstApproval?.date).toBe('2015-11-13');
    expect(answer.sources[0]).toMatchObject({ status: 'failed', error: expect.stringContaining('an HTML page') });
    expect(await readdir(fixture.directory)).toEqual([]);
  });

  it('throws when both fail, with both reasons', async () => {
    fixture.standIn.behave({ dropConnection: true });
    const error = await failureOf(fixture.clock, fixture.fda.searchDrug('tagrisso'));
    expect(error).toBeInstanceOf(FdaUnavailableError);
    expect((error as FdaUnavailableError).sources).toMatchObject([
      { errorCode: 'NETWORK_ERROR' },
      { errorCode: 'NETWORK_ERROR' },
    ]);
    expect(error).toMatchObject({ retryable: true });
  });

  it.each([
    ['a hanging server', { hang: true }, 'TIMEOUT'],
    ['cut JSON', { truncate: true }, 'SCRAPER_ERROR'],
    ['HTML in place of JSON', { html: true }, 'SCRAPER_ERROR'],
    ['a broken connection', { dropConnection: true }, 'NETWORK_ERROR'],
    ['status 503', { failWith: 503 }, 'UPSTREAM_ERROR'],
    ['status 429', { failWith: 429 }, 'RATE_LIMITED'],
    ['a 404 of another kind', { failWith: 404 }, 'SCRAPER_ERROR'],
  ] as const)('is told by its code: %s', async (_, fault, code) => {
    await fixture.fda.refresh();
    fixture.standIn.behave({ pathPrefix: '/drug', ...fault });
    const { sources } = await settle(fixture.clock, fixture.fda.searchDrug('tagrisso'));
    expect(sources).toMatchObject([{ status: 'answered' }, { status: 'failed', errorCode: code }]);
  });

  it.each([
    ['429', { failWith: 429 }],
    ['503', { failWith: 503 }],
    ['a broken connection', { dropConnection: true }],
  ] as const)('is tried again after %s', async (_, fault) => {
    fixture.standIn.behave({ pathPrefix: '/drug', count: 1, ...fault });
    expect((await settle(fixture.clock, fixture.fda.searchDrug('tagrisso'))).sources[1]).toMatchObject({
      status: 'answered',
    });
    expect(fixture.standIn.stats().byRoute['/drug/drugsfda.json']).toBe(2);
  });

  it('serves what openFDA said before, and says so', async () => {
    await fixture.fda.searchDrug('tagrisso');
    await fixture.clock.advance(2 * 3_600_000);
    fixture.standIn.behave({ pathPrefix: '/drug', failWith: 503 });
    const { sources } = await settle(fixture.clock, fixture.fda.searchDrug('tagrisso'));
    expect(sources[1]).toMatchObject({ status: 'answered', freshness: 'stale', reason: expect.any(String) });
    expect(sources[1]?.ageMs).toBeGreaterThanOrEqual(2 * 3_600_000);
  });
});
