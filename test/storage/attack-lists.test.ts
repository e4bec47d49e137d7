import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorageManager, LocalStorageStrategy, requireStorageKey, safeFilename } from 'plinth/storage';
import { afterAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'plinth-lists-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const store = join(root, 'deep', 'in', 'it', 'store');
mkdirSync(join(root, 'deep', 'in', 'it'), { recursive: true });
// Whatever a path ends with is allowed here, so that only the path itself can be what is refused.
const files = new FileStorageManager({
  strategy: new LocalStorageStrategy({ directory: store, sync: false }),
  allowedExtensions: ['.txt'],
});

const suites = '../shared/suites';

/** What came of a hostile name: refused with a typed error, or kept under exactly this name. */
async function outcomeOf(name: string, content: string): Promise<'refused' | 'kept'> {
  try {
    await files.saveFile(content, name);
  } catch (error) {
    expect([name, (error as { readonly code?: unknown }).code]).toEqual([name, 'VALIDATION_ERROR']);
    const calls = [files.readFile(name), files.copyFile('kept.txt', name), files.deleteFile(name)];
    for (const ended of await Promise.allSettled(calls)) {
      const answer = ended.status === 'fulfilled' ? ended.value : (ended.reason as { readonly code?: unknown }).code;
      expect([name, ['VALIDATION_ERROR', 'NOT_FOUND', false].includes(answer as string)]).toEqual([name, true]);
    }
    return 'refused';
  }
  expect([name, (await files.readBytes(name)).toString()]).toEqual([name, content]);
  return 'kept';
}

/** Everything below a folder that is neither a plain file nor a folder, and every file that is not in the store. */
function strays(folder: string): readonly string[] {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isDirectory()) return strays(path);
    return stats.isFile() && path.startsWith(`${store}/`) ? [] : [path];
  });
}

describe('lists of attacks', () => {
  const folder = `${suites}/path-traversal`;
  const lists = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.txt')) : [];

  it.skipIf(lists.length === 0)(
    `2,793 paths (needs ${folder}) are refused or stay in the folder`,
    async () => {
      await files.saveFile('kept', 'kept.txt');
      const outcomes = { refused: 0, kept: 0 };
      let safeNames = 0;
      for (const list of lists) {
        for (const line of readFileSync(join(folder, list), 'latin1').split('\n')) {
          const path = line.replace(/\r$/, '');
          if (path === '') continue;
          for (const name of [path.replaceAll('{FILE}', 'etc/passwd'), `${path.replaceAll('{FILE}', 'x')}.txt`]) {
            outcomes[await outcomeOf(name, path)] += 1;
          }
          const safe = safeFilename(`${path}x.txt`);
          if ((await outcomeOf(safe, path)) === 'kept') safeNames += 1;
        }
      }
      expect(outcomes.refused + outcomes.kept).toBeGreaterThan(5_400);
      expect(outcomes.kept).toBeLessThan(100);
      // The others hide an extension such as .aspx in front of .txt.
      expect(safeNames).toBeGreaterThan(2_600);
      expect(strays(root)).toEqual([]);
    },
    120_000,
  );

  const strings = `${suites}/blns/blns.json`;
  it.skipIf(!existsSync(strings))(
    `515 naughty strings (needs ${strings}), as contents, metadata and names`,
    async () => {
      const all = JSON.parse(readFileSync(strings, 'utf8')) as readonly string[];
      let kept = 0;
      for (const [index, text] of all.entries()) {
        const key = `strings/${index}.txt`;
        const saving = files.saveFile(text, key, { metadata: { text: text.slice(0, 80), list: [text.slice(0, 40)] } });
        const refusal: unknown = await saving.then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refusal !== undefined) {
          // Pages, scripts and zero bytes are refused in text, whatever it is for.
          expect([text, refusal]).toEqual([text, expect.objectContaining({ code: 'VALIDATION_ERROR' })]);
          continue;
        }
        kept += 1;
        expect((await files.readBytes(key)).equals(Buffer.from(text))).toBe(true);
        const info = await files.getFileInfo(key);
        expect(info?.metadata).toEqual({ text: text.slice(0, 80), list: [text.slice(0, 40)] });
      }
      expect(kept).toBeGreaterThan(380);
      for (const text of all) {
        await outcomeOf(`${text}.txt`, 'named');
        const safe = safeFilename(`${text}.txt`);
        expect(requireStorageKey(safe)).toBe(safe);
      }
      expect(strays(root)).toEqual([]);
    },
    60_000,
  );

  const names = `${suites}/upload/names.json`;
  it.skipIf(!existsSync(names))(`58 names of uploads (needs ${names}), as folders too`, async () => {
    const stored = (JSON.parse(readFileSync(names, 'utf8')) as { readonly names: readonly string[] }).names;
    for (const name of stored) {
      await outcomeOf(name, name);
      await outcomeOf(`${name}/a.txt`, name);
      await outcomeOf(`folder/${name}.txt`, name);
    }
    expect(strays(root)).toEqual([]);
  });
});
