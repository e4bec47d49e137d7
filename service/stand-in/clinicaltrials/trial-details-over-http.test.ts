import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ScraperError, ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { startStandIn } from '../index.ts';
import { failureOf, serve, settle } from '../settle.fixture.ts';
import { useTrialsFixture } from './clinical-trials.fixture.ts';

const fixture = useTrialsFixture();
const dataDirectory = fileURLToPath(new URL('../../../../shared/data', import.meta.url));

describe('a study of ClinicalTrialsScraper', () => {
  it('gives the details of the document’s study, KEYNOTE-042', async () => {
    const details = await settle(fixture.clock, fixture.trials.getTrialDetails('NCT02220894'));
    expect(details).toMatchObject({
      requestedId: 'NCT02220894',
      nctId: 'NCT02220894',
      status: 'COMPLETED',
      phases: ['PHASE3'],
      enrollment: { count: 1_274, type: 'ACTUAL' },
      startDate: { date: '2014-10-30', precision: 'day', type: 'ACTUAL' },
      primaryCompletionDate: { date: '2018-02-26' },
      dates: { resultsFirstPosted: { date: '2019-03-15' } },
      minimumAge: { years: 18, text: '18 Years' },
      leadSponsor: { name: 'Merck Sharp & Dohme LLC', class: 'INDUSTRY' },
      hasResults: true,
      origin: 'recorded',
    });
    expect(details?.interventions.map(({ name }) => name)).toEqual([
      'pembrolizumab',
      'carboplatin',
      'paclitaxel',
      'pemetrexed',
    ]);
  });

  it('accepts lower case, follows an obsolete number, and says which one was asked for (trap: alias 301)', async () => {
    const details = await settle(fixture.clock, fixture.trials.getTrialDetails('nct99999042'));
    expect(details).toMatchObject({ requestedId: 'NCT99999042', nctId: 'NCT02220894', aliases: ['NCT99999042'] });
  });

  it('knows a study that is not there, and asks nothing for a malformed number (trap: 404 in plain text, 400)', async () => {
    expect(await settle(fixture.clock, fixture.trials.getTrialDetails('NCT00000000'))).toBeNull();
    expect(await settle(fixture.clock, fixture.trials.getTrialResults('NCT00000000'))).toBeNull();
    const { requests } = fixture.standIn.stats();
    await expect(fixture.trials.getTrialDetails('NCT1')).rejects.toThrow(ValidationError);
    await expect(fixture.trials.getTrialResults('../version')).rejects.toThrow(ValidationError);
    await expect(fixture.trials.searchTrials({ status: 'OPEN' as never })).rejects.toThrow(ValidationError);
    expect(fixture.standIn.stats().requests).toBe(requests);
  });

  it('takes the web server’s page for a wrong address, and not for a missing study (trap: HTML 404)', async () => {
    await using scraper = fixture.create({ baseUrl: `${fixture.standIn.addresses.clinicalTrials}/other` });
    const error = await failureOf(fixture.clock, scraper.getTrialDetails('NCT02220894'));
    expect(error).toBeInstanceOf(ScraperError);
    expect(String(error)).toMatch(/HTML page/);
  });

  it('gives results, and null where there are none', async () => {
    const results = await settle(fixture.clock, fixture.trials.getTrialResults('NCT02296125'));
    expect(results?.outcomeMeasures[0]).toMatchObject({
      type: 'PRIMARY',
      analyses: [
        { parameter: 'Hazard Ratio (HR)', value: { number: 0.46 }, pValue: { number: null, text: '<0.0001' } },
      ],
    });
    expect(results?.participantFlow.periods[0]?.milestones[0]?.counts[0]?.count).toEqual({ number: 279, text: '279' });
    expect(results?.adverseEvents.groups.map(({ serious, seriousAtRisk }) => [serious, seriousAtRisk])).toEqual([
      [74, 279],
      [76, 277],
    ]);
    expect(results).toMatchObject({ nctId: 'NCT02296125', origin: 'recorded' });
    expect(await settle(fixture.clock, fixture.trials.getTrialResults('NCT06345729'))).toBeNull();
  });

  it('tells the version', async () => {
    expect(await settle(fixture.clock, fixture.trials.getVersion())).toMatchObject({
      apiVersion: '2.0.5',
      dataTimestamp: '2026-11-20T09:00:05',
      origin: 'recorded',
    });
  });

  it('reads a study of 20 MB', async () => {
    await using server = await serve((_request, response) => {
      const briefSummary = 'x'.repeat(20 * 1_024 * 1_024);
      const protocolSection = {
        identificationModule: { nctId: 'NCT00000001' },
        statusModule: { overallStatus: 'COMPLETED' },
        descriptionModule: { briefSummary },
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ protocolSection }));
    });
    await using scraper = fixture.create({ baseUrl: server.url });
    const details = await settle(fixture.clock, scraper.getTrialDetails('NCT00000001'));
    expect(details?.briefSummary).toHaveLength(20 * 1_024 * 1_024);
  });

  it.skipIf(!existsSync(`${dataDirectory}/clinicaltrials`))(
    'is answered from larger data where there are any (skipped without ../shared/data/clinicaltrials)',
    async () => {
      await using larger = await startStandIn({ clock: fixture.clock, dataDirectory });
      await using scraper = fixture.create({ baseUrl: larger.addresses.clinicalTrials });
      const details = await settle(fixture.clock, scraper.getTrialDetails('NCT02513394'));
      expect(details?.locations).toHaveLength(437);
      const results = await settle(fixture.clock, scraper.getTrialResults('NCT02296125'));
      expect(results?.outcomeMeasures.length).toBeGreaterThan(10);
    },
  );
});
