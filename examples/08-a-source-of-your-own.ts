/**
 * A client for an outside source in forty lines: its pace slows down when the source says so, its answers are kept, and when
 * the source changes its format the records that still can be read are used, the others wait in quarantine for a fix.
 *
 * Run: node --conditions=plinth-source --import tsx examples/08-a-source-of-your-own.ts
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryCache } from 'plinth/cache';
import {
  BaseScraper,
  CachedScraper,
  type Provenance,
  type QuestionOptions,
  ResponseContract,
  type ScraperOptions,
  shapeOf,
} from 'plinth/http';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

interface Station extends Provenance {
  readonly temperatures: readonly number[];
}

function readTemperature(record: unknown): number {
  const { celsius } = record as { readonly celsius?: unknown };
  if (typeof celsius !== 'number') throw new TypeError('celsius is no number');
  return celsius;
}

class WeatherScraper extends BaseScraper<string, Station> {
  readonly measurements = new ResponseContract({
    name: 'weather.measurements',
    read: readTemperature,
    shape: shapeOf([{ celsius: 20.5, at: '2026-01-15T12:00:00Z' }]),
  });

  constructor(options: ScraperOptions = {}) {
    super({ name: 'weather', baseUrl: 'https://weather.example.com', ratePerSecond: 50 }, options);
  }

  async fetchData(station: string, { signal }: QuestionOptions = {}): Promise<Station> {
    const answer = await this.json<readonly unknown[]>({ path: `/${station}`, operation: 'measurements', signal });
    const { values } = await this.measurements.read(answer.value.body, answer.value);
    return { temperatures: values, ...this.provenance(answer) };
  }
}

let requests = 0;
const server = createServer((request, response) => {
  requests += 1;
  if (requests === 1) return void response.writeHead(429, { 'retry-after': '1' }).end();
  const at = '2026-01-15T12:00:00Z';
  const old = [{ celsius: 20.5, at }];
  // One of three records has the form that the source will have from tomorrow on.
  const changed = [
    { celsius: 19, at, unit: 'C' },
    { celsius: '18,5', at },
    { celsius: 17.25, at },
  ];
  response.end(JSON.stringify(request.url === '/geneva' ? changed : old));
});
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const weather = new WeatherScraper({ baseUrl });
weather.pace?.events.on('paused', ({ pauseMs }) => print(`the source is busy: paused for ${pauseMs} ms`));
weather.measurements.events.on('drift', ({ kind, path }) => print(`the source has changed: ${kind} ${path}`));
weather.measurements.events.on('quarantined', ({ error }) => print(`in quarantine: ${error}`));

const { temperatures, origin, freshness } = await weather.fetchData('bern');
print(
  `bern: ${temperatures.join(', ')} (${origin}, ${freshness}), at a pace of ${weather.pace?.ratePerSecond} a second`,
);
print(`geneva: ${(await weather.fetchData('geneva')).temperatures.join(', ')}`);

const kept = new CachedScraper(weather, { cache: new MemoryCache(), ttlMs: 60_000 });
const before = requests;
await Promise.all(Array.from({ length: 100 }, () => kept.fetchData('basel')));
print(`100 questions about basel: ${requests - before} request`);

await kept.close();
server.close();
