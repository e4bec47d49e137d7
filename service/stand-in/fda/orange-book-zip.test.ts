import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OrangeBook, OrangeBookError, type OrangeBookSource } from 'plinth/connectors/fda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeZip, type ZipMember } from './zip-writer.ts';

const names = ['products.txt', 'patent.txt', 'exclusivity.txt'] as const;
let members: ZipMember[];
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-zip-'));
  const path = (name: string): string => fileURLToPath(new URL(`./recordings/orange-book/${name}`, import.meta.url));
  const dates = ['2024-05-08', '2024-05-10', '2024-05-09'];
  members = await Promise.all(
    names.map(async (name, index) => ({ name, date: dates[index] ?? '', content: await readFile(path(name)) })),
  );
});

afterAll(() => rm(directory, { recursive: true }));

async function zipFile(bytes: Buffer | string): Promise<{ zip: string }> {
  const zip = join(await mkdtemp(join(directory, 'zip-')), 'book.zip');
  await writeFile(zip, bytes);
  return { zip };
}

async function folderWith(files: Readonly<Record<string, Buffer | string>>): Promise<{ folder: string }> {
  const folder = await mkdtemp(join(directory, 'folder-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return { folder };
}

async function failure(source: OrangeBookSource): Promise<OrangeBookError> {
  const error = await new OrangeBook({ source }).current().then(
    () => undefined,
    reason => reason,
  );
  expect(error).toBeInstanceOf(OrangeBookError);
  return error;
}

const contents = (): Record<string, Buffer> => Object.fromEntries(members.map(({ name, content }) => [name, content]));

describe('a ZIP', () => {
  it('is read, and its newest file dates the edition', async () => {
    const { edition, origin } = await new OrangeBook({ source: await zipFile(writeZip(members)) }).current();
    expect([edition.date, origin, edition.counts.products]).toEqual(['2024-05-10', 'recorded', 76]);
  });

  it('may have the files in a folder, in capitals, and others beside them', async () => {
    const renamed = members.map(member => ({ ...member, name: `EOBZIP/${member.name.toUpperCase()}` }));
    const source = await zipFile(
      writeZip([...renamed, { name: 'readme.pdf', content: Buffer.from('x'), date: '2030-01-01' }]),
    );
    expect((await new OrangeBook({ source }).current()).edition.date).toBe('2024-05-10');
  });

  it('is refused when it is cut off, wherever', async () => {
    const whole = writeZip(members);
    for (const length of [4, 100, 5_000, whole.length - 30, whole.length - 1]) {
      const source = await zipFile(whole.subarray(0, length));
      expect(await failure(source)).toMatchObject({
        file: source.zip,
        message: expect.stringContaining('damaged or truncated'),
      });
    }
  });

  it('is refused when its checksum does not fit', async () => {
    const bytes = writeZip(members);
    const entry = bytes.lastIndexOf('PK\x01\x02', undefined, 'latin1');
    bytes.writeUInt32LE(1, entry + 16);
    const error = await failure(await zipFile(bytes));
    expect(error.message).toMatch(/damaged: checksum [0-9a-f]+, expected 1/);
    expect(error.file).toMatch(/book\.zip: exclusivity\.txt$/);
  });

  it('is refused when a size does not fit', async () => {
    for (const difference of [-7, 7]) {
      const bytes = writeZip(members);
      const entry = bytes.indexOf('PK\x01\x02', undefined, 'latin1');
      bytes.writeUInt32LE(bytes.readUInt32LE(entry + 24) + difference, entry + 24);
      expect((await failure(await zipFile(bytes))).message).toContain('damaged or truncated');
    }
  });

  it('is refused when its bytes were changed', async () => {
    const bytes = writeZip(members);
    bytes.fill(0x55, 200, 260);
    expect((await failure(await zipFile(bytes))).message).toContain('damaged');
  });

  it('is refused when a file is missing, and says what there is', async () => {
    const error = await failure(await zipFile(writeZip(members.slice(0, 2))));
    expect(error.message).toMatch(/Missing exclusivity\.txt\. Found products\.txt, patent\.txt/);
  });

  it('is refused when it would unpack to too much', async () => {
    const source = await zipFile(
      writeZip([
        ...members.slice(1),
        { name: 'products.txt', date: '2024-05-10', content: Buffer.alloc(5_000_000, 'a') },
      ]),
    );
    await expect(new OrangeBook({ source, maxBytes: 1_000_000 }).current()).rejects.toThrow(/at most 4000000 are read/);
  });

  it.each([
    ['an HTML page', '<!DOCTYPE html><html>', /found an HTML page/],
    ['an empty file', '', /is empty, expected a ZIP/],
    ['text', 'Ingredient~DF;Route', /found something else that begins with "Ingredient/],
  ])('is refused when it is %s', async (_, text, message) => {
    expect((await failure(await zipFile(text))).message).toMatch(message);
  });

  it('is refused when it is a folder, or not there', async () => {
    expect((await failure({ zip: directory })).message).toMatch(/Expected a ZIP file, found a folder/);
    expect((await failure({ zip: join(directory, 'none.zip') })).message).toMatch(/cannot be read: ENOENT/);
  });

  it('names file, line and column of what is wrong inside', async () => {
    const text = members[0]?.content.toString('latin1').replace('~N~208065~002~', '~Q~208065~002~') ?? '';
    const error = await failure(
      await zipFile(
        writeZip([...members.slice(1), { name: 'products.txt', date: '2024-05-10', content: Buffer.from(text) }]),
      ),
    );
    expect(error).toMatchObject({
      line: expect.any(Number),
      column: 'Appl_Type',
      file: expect.stringMatching(/book\.zip: products\.txt$/),
    });
  });
});

describe('a folder', () => {
  it('is read, with names in any case', async () => {
    const upper = Object.fromEntries(
      Object.entries(contents()).map(([name, content]) => [name.toUpperCase(), content]),
    );
    expect((await new OrangeBook({ source: await folderWith(upper) }).current()).edition.counts).toEqual({
      products: 76,
      patents: 426,
      exclusivities: 128,
    });
  });

  it('is refused when a file is missing, empty or a folder', async () => {
    const { 'patent.txt': _, ...without } = contents();
    const source = await folderWith(without);
    expect((await failure(source)).message).toMatch(/Missing patent\.txt\. Found exclusivity\.txt, products\.txt/);
    await mkdir(join(source.folder, 'patent.txt'));
    expect((await failure(source)).message).toMatch(/Expected a file, found a folder/);
    expect((await failure(await folderWith({ ...contents(), 'patent.txt': '' }))).message).toMatch(/The file is empty/);
  });

  it('is refused when it is a file, empty, or not there', async () => {
    expect((await failure({ folder: (await zipFile('')).zip })).message).toMatch(/Expected a folder, found a file/);
    expect((await failure({ folder: await mkdtemp(join(directory, 'empty-')) })).message).toMatch(/Found nothing/);
    expect((await failure({ folder: join(directory, 'none') })).message).toMatch(/cannot be read: ENOENT/);
  });

  it('that became bad leaves the edition that was read before in place', async () => {
    const { folder } = await folderWith(contents());
    const book = new OrangeBook({ source: { folder } });
    const before = await book.current();
    const failures: unknown[] = [];
    book.events.on('failed', ({ error }) => failures.push(error));
    await writeFile(join(folder, 'exclusivity.txt'), 'garbage');
    const after = await book.refresh();
    expect(after.edition).toBe(before.edition);
    expect(after.freshness).toBe('stale');
    expect(failures).toHaveLength(1);
  });
});
