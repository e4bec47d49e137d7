import { afterEach, describe, expect, it } from 'vitest';
import { useService } from './start-service.fixture.ts';

const tested = useService();

afterEach(() => tested.service.standIn?.behave('normal'));

interface Answer {
  readonly bbl: { readonly text: string };
  readonly dob: readonly { readonly id: string; readonly isActive: boolean | null }[];
  readonly ecb: readonly unknown[];
  readonly counts: { readonly listed: number; readonly distinct: number };
  readonly sources: readonly { readonly dataset: string; readonly status: string; readonly provenance?: object }[];
  readonly complete: boolean;
}

async function violations(bbl: string, query = ''): Promise<Answer> {
  const { status, body } = await tested.ask(`/properties/${bbl}/violations${query}`);
  expect(status).toBe(200);
  return body;
}

describe('the violations of a property', () => {
  it('are those of the whole lot, also rows in which the lot is written with four digits', async () => {
    const { dob, sources, counts, complete } = await violations('1007200055');
    expect(dob).toHaveLength(17);
    expect(counts.distinct).toBeLessThanOrEqual(counts.listed);
    expect(complete).toBe(true);
    expect(sources).toContainEqual(
      expect.objectContaining({ dataset: 'dob', provenance: expect.objectContaining({ origin: 'recorded' }) }),
    );
    expect((await violations('1-00720-0055')).bbl.text).toBe('1007200055');
  });

  it('can be only those that may be open, and a few of them', async () => {
    const { dob } = await violations('1007200055', '?activeOnly=true');
    expect(dob.length).toBeLessThan(17);
    expect(dob.every(({ isActive }) => isActive !== false)).toBe(true);
    expect((await violations('1007200055', '?limit=2')).dob).toHaveLength(2);
  });

  it('are there in part while a data set fails', async () => {
    tested.service.standIn?.behave({ pathPrefix: '/resource/wvxf-dwi5', failWith: 500 });
    const { sources, complete } = await violations('3016920030');
    expect(complete).toBe(false);
    expect(sources.find(({ dataset }) => dataset === 'hpd')?.status).toBe('failed');
    expect(sources.find(({ dataset }) => dataset === 'dob')?.status).not.toBe('failed');
  });

  it.each([
    ['/properties/9007200055/violations', /borough/],
    ['/properties/12345/violations', /BBL/],
    ['/properties/1007200055/violations?issuedFrom=soon', /issuedFrom/],
  ])('are refused for what is no lot or no day: %s', async (path, reason) => {
    const { status, body } = await tested.ask(path);
    expect(status).toBe(422);
    expect((body as { error: string }).error).toMatch(reason);
  });
});
