import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { createLogging, type Logging, type LoggingOptions } from './index.ts';

const today = '2026-01-15';
let directory = '';
const opened: Logging[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plinth-logs-'));
});

afterEach(async () => {
  for (const logging of opened.splice(0)) await logging.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(options: LoggingOptions = {}) {
  const clock = options.clock instanceof VirtualClock ? options.clock : new VirtualClock();
  const logging = createLogging({
    directory,
    level: 'INFO',
    environment: 'production',
    mode: 'line',
    console: false,
    clock,
    ...options,
  });
  opened.push(logging);
  return { clock, logging, logger: logging.getLogger('app') };
}

const names = (): string[] => readdirSync(directory).sort();
const rotated = (): string[] => names().filter(name => name.startsWith('app.log.'));
const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
const messages = (name: string): string[] =>
  read(name)
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line)['message']);

describe('the log files', () => {
  it('hold what belongs to them', () => {
    const { logging } = open();
    for (const name of ['app', 'api', 'api.nyc', 'apix', 'model.risk', 'database', 'database.pool'])
      logging.getLogger(name).info(name);
    logging.getLogger('api.nyc').error('bad');
    logging.getLogger('app').critical('worse');
    logging.getLogger('app').debug('nothing');
    expect(messages('app.log')).toEqual([
      'app',
      'api',
      'api.nyc',
      'apix',
      'model.risk',
      'database',
      'database.pool',
      'bad',
      'worse',
    ]);
    expect(messages('error.log')).toEqual(['bad', 'worse']);
    expect(messages('api.log')).toEqual(['api', 'api.nyc', 'bad']);
    expect(messages('model.log')).toEqual(['model.risk']);
    expect(messages('database.log')).toEqual(['database', 'database.pool']);
    expect(names()).toHaveLength(5);
  });

  it('are plain text in development and JSON in production, unless the format is named', () => {
    open({ environment: 'development' }).logger.info('a');
    open({ environment: 'production' }).logger.info('b');
    open({ environment: 'production', format: 'text' }).logger.info('c');
    expect(
      read('app.log')
        .split('\n')
        .map(line => line[0]),
    ).toEqual(['2', '{', '2', undefined]);
  });

  it('continue what is there', () => {
    writeFileSync(join(directory, 'app.log'), 'earlier\n');
    utimesSync(join(directory, 'app.log'), new Date(`${today}T12:00:00Z`), new Date(`${today}T12:00:00Z`));
    open().logger.info('a');
    expect(read('app.log')).toMatch(/^earlier\n\{/);
  });
});

describe('rotation', () => {
  it('comes with the new UTC day, before its first line', async () => {
    const { clock, logger, logging } = open({ mode: 'buffered', flushIntervalMs: 1_000_000 });
    await clock.advance(3_600_000 - 1);
    logger.info('old');
    await clock.advance(1);
    logger.info('new');
    logging.flush();
    expect(messages(`app.log.${today}.1`)).toEqual(['old']);
    expect(messages('app.log')).toEqual(['new']);
    expect(rotated().every(name => /\.log\../.test(name))).toBe(true);
  });

  it('comes at the size, and numbers the files of a day', () => {
    const { logger, logging } = open({ maxFileBytes: 1_024 });
    const seen: string[] = [];
    logging.events.on('rotated', event => seen.push(event.rotatedTo));
    for (let index = 0; index < 16; index += 1) logger.info(`line ${index}`);
    expect(rotated()).toEqual([1, 2, 3].map(index => `app.log.${today}.${index}`));
    expect(seen).toEqual(rotated());
    expect([...rotated(), 'app.log'].flatMap(messages)).toEqual(
      Array.from({ length: 16 }, (_, index) => `line ${index}`),
    );
    for (const name of rotated()) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(1_024);
  });

  it('puts a file of an earlier day away at the start', () => {
    writeFileSync(join(directory, 'app.log'), 'old\n');
    utimesSync(join(directory, 'app.log'), new Date('2026-01-10T12:00:00Z'), new Date('2026-01-10T12:00:00Z'));
    open().logger.info('new');
    expect(read('app.log.2026-01-10.1')).toBe('old\n');
    expect(messages('app.log')).toEqual(['new']);
  });

  it('keeps the newest files of each day, the last days, and everything that is not ours', async () => {
    const foreign = [
      'app.log.old',
      'app.log.2025-01-01',
      'app.log.2025-01-01.x',
      'app.log.2025-01-01.1.gz',
      'xapp.log.2025-01-01.1',
      'app.log.20250101.1',
      'other.log.2025-01-01.1',
    ];
    const gone = [
      'app.log.2025-12-16.1',
      'app.log.2025-01-01.7',
      'error.log.2025-01-01.1',
      'app.log.2026-01-14.8',
      'app.log.2026-01-14.9',
    ];
    const kept = ['app.log.2025-12-17.1', ...[10, 11, 12, 13, 14].map(index => `app.log.2026-01-14.${index}`)];
    for (const name of [...foreign, ...gone, ...kept]) writeFileSync(join(directory, name), '');
    const { clock, logger } = open();
    const left = names();
    for (const name of [...foreign, ...kept]) expect(left).toContain(name);
    for (const name of gone) expect(left).not.toContain(name);
    await clock.advance(86_400_000);
    logger.info('next day');
    logger.info('still the next day');
    await clock.advance(86_400_000);
    logger.info('and one more');
    expect(names()).not.toContain('app.log.2025-12-17.1');
    for (const name of foreign) expect(names()).toContain(name);
  });

  it('bounds the files of one day', () => {
    const { logger } = open({ maxFileBytes: 1_024, keepFiles: 2 });
    for (let index = 0; index < 40; index += 1) logger.info(`line ${index}`);
    expect(rotated()).toHaveLength(2);
    expect(messages('app.log').at(-1)).toBe('line 39');
  });

  it('loses nothing when two share the directory', async () => {
    const clock = new VirtualClock();
    const [one, other] = [
      open({ maxFileBytes: 4_096, keepFiles: 100, clock }),
      open({ maxFileBytes: 4_096, keepFiles: 100, clock }),
    ];
    const expected: string[] = [];
    for (let index = 0; index < 300; index += 1) {
      const { logger } = index % 3 === 0 ? one : other;
      logger.info(`line ${index}`);
      expected.push(`line ${index}`);
      await clock.advance(20);
    }
    expect([...rotated(), 'app.log'].flatMap(messages).sort()).toEqual(expected.sort());
    expect(rotated().length).toBeLessThan(40);
  });

  it('rotates once when two share the directory over midnight', async () => {
    const clock = new VirtualClock();
    const both = [open({ clock }), open({ clock })];
    for (const { logger } of both) logger.info('old');
    await clock.advance(3_600_000);
    for (const { logger } of both) logger.info('new');
    expect(rotated()).toEqual([`app.log.${today}.1`]);
    expect(messages('app.log')).toEqual(['new', 'new']);
  });
});

describe('a directory that goes away', () => {
  it('is made again, and what was lost is counted', async () => {
    const { clock, logger, logging } = open();
    const seen: string[] = [];
    logging.events.on('degraded', event => seen.push(`degraded ${event.sink}`));
    logging.events.on('recovered', event => seen.push(`recovered ${event.sink} ${event.droppedLines}`));
    rmSync(directory, { recursive: true });
    logger.info('lost');
    await clock.advance(250);
    logger.info('kept');
    expect(messages('app.log')).toContain('kept');
    expect(seen).toEqual(['degraded app.log', 'recovered app.log 1']);
    expect(logging.state).toMatchObject({ status: 'ok', droppedLines: 1 });
    expect(messages('app.log')).toContain('Log lines were dropped');
  });

  it('is waited for when it cannot be made', async () => {
    const { clock, logger, logging } = open();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file in its place');
    await clock.advance(250);
    logger.info('kept');
    expect(logging.state.status).toBe('degraded');
    expect(logging.state.sinks.find(sink => sink.name === 'app.log')).toMatchObject({
      status: 'degraded',
      error: expect.any(String),
    });
    rmSync(directory);
    await clock.advance(1_000);
    expect(logging.state.status).toBe('ok');
    expect(messages('app.log')).toEqual(['kept']);
  });

  it('is followed when its files were renamed by a tool', async () => {
    const { clock, logger, logging } = open();
    logger.info('before');
    mkdirSync(join(directory, 'archive'));
    renameSync(join(directory, 'app.log'), join(directory, 'archive', 'app.log'));
    logger.info('in between');
    await clock.advance(250);
    logger.info('after');
    expect(messages('archive/app.log')).toEqual(['before', 'in between']);
    expect(messages('app.log')).toEqual(['after']);
    expect(logging.state.droppedLines).toBe(0);
  });
});
