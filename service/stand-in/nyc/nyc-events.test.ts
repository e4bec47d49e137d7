import { MemoryCache } from 'plinth/cache';
import { NYCDataClient } from 'plinth/connectors/nyc';
import { CachedScraper } from 'plinth/http';
import { Secret } from 'plinth/kernel';
import { createLogging, logEvents } from 'plinth/logging';
import { describe, expect, it } from 'vitest';
import { settle } from '../settle.fixture.ts';
import { useNycFixture } from './nyc.fixture.ts';

const bbl = '1007200055';
const fixture = useNycFixture();

describe('NYCDataClient', () => {
  it('tells of every answer for a log line with its duration and records', async () => {
    const lines: string[] = [];
    await using logging = createLogging({
      environment: 'production',
      level: 'INFO',
      files: false,
      console: { write: line => lines.push(line) },
      format: 'json',
      clock: fixture.clock,
    });
    const nyc = fixture.client();
    logEvents(nyc.events, logging.getLogger('api.nyc_data_client'), {
      answered: ({ durationMs, records }) => ({
        message: 'API request successful',
        fields: { duration: durationMs / 1_000, records },
      }),
    });
    fixture.standIn.behave({ latencyMs: 460, count: 1 });
    // Here time has to pass while the request is on the wire.
    await settle(fixture.clock, nyc.getDobViolations(bbl));
    logging.flush();
    const line = JSON.parse(lines.find(each => each.includes('nyc_data_client')) ?? '{}') as Record<string, unknown>;
    expect(line).toMatchObject({ logger_name: 'api.nyc_data_client', message: 'API request successful', records: 17 });
    expect(line['duration']).toBeGreaterThanOrEqual(0.46);
  });

  it('asks twice a second without a token, and five times with one', async () => {
    const paces = [{}, { appToken: new Secret('good-token') }, { ratePerSecond: 1 }].map(options => {
      const nyc = new NYCDataClient({ pool: fixture.pool, clock: fixture.clock, ...options });
      return nyc.pace?.ratePerSecond;
    });
    expect(paces).toEqual([2, 5, 1]);
  });

  it('tells of no request when its guard still has the answer', async () => {
    const nyc = fixture.client();
    let answers = 0;
    nyc.events.on('answered', () => {
      answers += 1;
    });
    await fixture.settled(nyc.getDobViolations(bbl));
    await fixture.clock.advance(1_000);
    const { provenance } = await fixture.settled(nyc.getDobViolations(bbl, { activeOnly: true }));
    expect([answers, fixture.standIn.stats().requests]).toEqual([1, 1]);
    expect(provenance.ageMs).toBeGreaterThanOrEqual(1_000);
  });

  it('answers from a cache around it with the same type, and tells of no request then', async () => {
    const nyc = fixture.client();
    let answers = 0;
    nyc.events.on('answered', () => {
      answers += 1;
    });
    const kept = new CachedScraper(nyc, { cache: new MemoryCache({ name: 'nyc', clock: fixture.clock }) });
    const first = await kept.getDobViolations(bbl);
    const second = await kept.getDobViolations(bbl);
    expect(second.total).toBe(first.total);
    expect([answers, fixture.standIn.stats().requests]).toEqual([1, 1]);
  });
});
