import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArgumentError, ValidationError } from 'plinth/errors';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LicensedContentError, NCCNScraper, type NCCNScraperOptions } from './index.ts';

const example = fileURLToPath(
  new URL('../../service/stand-in/nccn/recordings/licensed-recommendations.json', import.meta.url),
);

interface Contents {
  readonly version: string;
  readonly entries: readonly { readonly regimens: readonly Record<string, unknown>[] }[];
}

let folder: string;
let path: string;
const open: NCCNScraper[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plinth-nccn-'));
  path = join(folder, 'licensed.json');
  await cp(example, path);
});

afterEach(async () => {
  for (const scraper of open.splice(0)) await scraper.close();
  await rm(folder, { recursive: true });
});

function scraper(licensedContent: NCCNScraperOptions['licensedContent'] = { path }): NCCNScraper {
  const nccn = new NCCNScraper({ licensedContent, clock: new VirtualClock() });
  open.push(nccn);
  return nccn;
}

async function failure(nccn: NCCNScraper): Promise<LicensedContentError> {
  const error = await nccn.getRecommendedMedications('nsclc', 'stage_iv').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LicensedContentError);
  return error as LicensedContentError;
}

async function change(edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, 'utf8')));
}

describe('getRecommendedMedications', () => {
  it('trap: nobody publishes them, so without a licensed file there are none, and it says how to supply one', async () => {
    await using nccn = new NCCNScraper();
    const error = await failure(nccn);
    expect(error).toMatchObject({ problem: 'not-supplied', code: 'LICENSED_CONTENT', retryable: false });
    expect(error.message).toMatch(/^NCCN publishes no recommended medications openly/);
    expect(error.message).toMatch(/licensedContent: \{ path \}.*NCCN_LICENSED_FILE.*docs\/connectors-nccn\.md/);
  });

  it('gives what the file says for the stage, with everything it says', async () => {
    const answer = await scraper().getRecommendedMedications(' NSCLC ', 'stage_iv');
    expect(answer).toEqual({
      cancer: 'NSCLC',
      stage: 'IV',
      cancers: ['Non-Small Cell Lung Cancer'],
      availableStages: ['IV', 'IVA', 'III'],
      regimens: [
        {
          cancer: 'Non-Small Cell Lung Cancer',
          stages: ['IV'],
          name: 'Examplinib',
          drugs: ['examplinib'],
          category: '1',
          preference: 'preferred',
          line: 'first',
          biomarkers: ['EGFR exon 19 deletion'],
          reference: 'INVENTED-1',
        },
        expect.objectContaining({ name: 'Examplinib and placebomab', category: '2B', line: 'second' }),
      ],
      provenance: {
        source: 'licensed-file',
        title: 'Invented recommendations for trying out this software',
        version: '1.2026',
        date: '2026-01-15',
        licence: "Invented: nobody's, and of no medical meaning",
        readAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    });
  });

  it.each(['stage_iv', 'Stage IV', 'iv', '4'])('takes %s for the same stage', async stage => {
    const { regimens } = await scraper().getRecommendedMedications('nsclc', stage);
    expect(regimens.map(({ reference }) => reference)).toEqual(['INVENTED-1', 'INVENTED-2']);
  });

  it('gives what is said for a whole stage to a part of it, and not the other way round', async () => {
    const references = async (stage: string): Promise<readonly string[]> =>
      (await scraper().getRecommendedMedications('nsclc', stage)).regimens.map(({ reference }) => reference);
    expect(await references('IVA')).toEqual(['INVENTED-1', 'INVENTED-2', 'INVENTED-3']);
    expect(await references('IVB')).toEqual(['INVENTED-1', 'INVENTED-2']);
    expect(await references('IIIA')).toEqual(['INVENTED-3']);
    expect(await references('I')).toEqual([]);
  });

  it('trap: gives nothing of NSCLC for sclc, and nothing for a word of both', async () => {
    const sclc = await scraper().getRecommendedMedications('sclc', 'limited_stage');
    expect(sclc.regimens.map(({ reference }) => reference)).toEqual(['INVENTED-4']);
    expect(sclc.cancers).toEqual(['Small Cell Lung Cancer']);
    const word = await scraper().getRecommendedMedications('cell', 'iv');
    expect(word).toMatchObject({ regimens: [], cancers: [], availableStages: [] });
  });

  it('refuses what is no cancer or no stage before it looks at the file', async () => {
    const nccn = scraper({ path: '/nowhere' });
    await expect(nccn.getRecommendedMedications('', 'iv')).rejects.toBeInstanceOf(ValidationError);
    await expect(nccn.getRecommendedMedications('nsclc', 'v')).rejects.toBeInstanceOf(ValidationError);
  });

  it('reads the file again when it has changed, and not before', async () => {
    const nccn = scraper();
    const first = await nccn.getRecommendedMedications('nsclc', 'iv');
    const second = await nccn.getRecommendedMedications('nsclc', 'iv');
    expect(second.regimens[0]?.drugs).toBe(first.regimens[0]?.drugs);
    await change(text => text.replace('"1.2026"', '"2.2026 corrected"'));
    expect((await nccn.getRecommendedMedications('nsclc', 'iv')).provenance.version).toBe('2.2026 corrected');
  });

  it('never answers from a file that has become unusable', async () => {
    const nccn = scraper();
    await nccn.getRecommendedMedications('nsclc', 'iv');
    await change(text => text.slice(0, 300));
    expect(await failure(nccn)).toMatchObject({ problem: 'unreadable' });
    await rm(path);
    const gone = await failure(nccn);
    expect(gone.message).toContain(path);
    expect(gone.message).toContain('ENOENT');
    await cp(example, path);
    expect((await nccn.getRecommendedMedications('nsclc', 'iv')).regimens).toHaveLength(2);
  });

  it('names the file and every field that is wrong', async () => {
    await change(text => {
      const contents = JSON.parse(text) as Contents;
      const [entry] = contents.entries;
      Object.assign(entry?.regimens[1] ?? {}, { category: '2C', preferred: true, reference: undefined });
      Object.assign(contents.entries[1] ?? {}, { stages: ['stage nine-ish 9'] });
      return JSON.stringify({ ...contents, date: 'January 2026' });
    });
    const error = await failure(scraper());
    expect(error.problem).toBe('invalid');
    expect(error.message).toContain(`Cannot use the licensed content of ${path}`);
    expect(error.problems.map(({ name }) => name).sort()).toEqual([
      'date',
      'entries[0].regimens[1]',
      'entries[0].regimens[1].category',
      'entries[0].regimens[1].reference',
      'entries[1].stages[0]',
    ]);
    expect(error.message).toMatch(/entries\[0\]\.regimens\[1\]\.category: .*"1"\|"3"\|"2A"\|"2B", got "2C"/);
    expect(error.message).toMatch(/entries\[0\]\.regimens\[1\]: .*"preferred"/);
    expect(error.message).toMatch(/entries\[1\]\.stages\[0\]: Expected a stage/);
  });

  it.each(['[]', 'null', '{}', '"text"'])('refuses a file with %s', async contents => {
    await writeFile(path, contents);
    expect(await failure(scraper())).toMatchObject({ problem: 'invalid' });
  });

  it('refuses a file that is no JSON, a folder, and more than 10 MB', async () => {
    await writeFile(path, '<html></html>');
    expect(await failure(scraper())).toMatchObject({ problem: 'unreadable' });
    expect(await failure(scraper({ path: folder }))).toMatchObject({ problem: 'unreadable' });
    await writeFile(path, `${' '.repeat(10_000_000)}{}`);
    const large = await failure(scraper());
    expect(large).toMatchObject({ problem: 'too-large' });
    expect(large.message).toContain('10000000 bytes');
  });

  it('takes the contents of a function, and holds them to the same form', async () => {
    const contents = JSON.parse(await readFile(path, 'utf8')) as Contents;
    const nccn = scraper({ read: async () => contents });
    expect((await nccn.getRecommendedMedications('nsclc', 'iv')).regimens).toHaveLength(2);
    const wrong = await failure(scraper({ read: async () => ({ ...contents, entries: [] }) }));
    expect(wrong.problems.map(({ name }) => name)).toEqual(['entries']);
    const broken = scraper({
      read: async () => {
        throw new ArgumentError('no such bucket', 'bucket');
      },
    });
    expect(await failure(broken)).toMatchObject({ problem: 'unreadable', cause: expect.any(ArgumentError) });
  });

  it('ends with its signal', async () => {
    const reading = scraper({ read: () => new Promise<never>(() => {}) });
    const controller = new AbortController();
    const asked = reading.getRecommendedMedications('nsclc', 'iv', { signal: controller.signal });
    controller.abort(new ArgumentError('enough', 'signal'));
    await expect(asked).rejects.toThrow('enough');
  });
});

describe('NCCNScraper', () => {
  it('refuses to ask more than once a second, and licensed content that is none', () => {
    expect(() => new NCCNScraper({ ratePerSecond: 2 })).toThrow(/expected at most 1 .* got 2/);
    expect(() => new NCCNScraper({ licensedContent: { path: ' ' } })).toThrow(ArgumentError);
  });

  it('refuses what is no category, number or name before anybody is asked', async () => {
    await using nccn = new NCCNScraper({ baseUrl: 'http://127.0.0.1:1' });
    const none = 5 as 1;
    await expect(nccn.getCatalogue({ categories: [none] })).rejects.toBeInstanceOf(ValidationError);
    await expect(nccn.getCatalogue({ categories: [] })).rejects.toBeInstanceOf(ValidationError);
    await expect(nccn.getGuideline('nscl')).rejects.toBeInstanceOf(ValidationError);
    await expect(nccn.getGuidelines('  ')).rejects.toBeInstanceOf(ValidationError);
  });
});
