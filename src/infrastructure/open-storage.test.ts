import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listVariables, loadSettings, type Settings } from '../settings/index.ts';
import { defaultAllowedExtensions, type FileStorageManager, KeyRing } from '../storage/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { makeStorage } from './open-storage.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-open-storage-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function folder(): string {
  return join(root, String(folders++));
}

function settingsOf(environment: Readonly<Record<string, string>>): Settings {
  return loadSettings({ environment, envFile: false, yamlFile: false });
}

function open(environment: Readonly<Record<string, string>>, clock = new VirtualClock()): FileStorageManager {
  return makeStorage(settingsOf(environment), clock);
}

const text = 'What nobody else shall read '.repeat(3);
const firstKey = `2025b:${KeyRing.generateKey().reveal()}`;
const secondKey = `2026a:${KeyRing.generateKey().reveal()}`;

describe('the files of the settings', () => {
  it('lie as they are in their folder when nothing else is said', async () => {
    const directory = folder();
    await using files = open({ STORAGE_BASE_PATH: directory });
    expect(await files.saveFile(text, 'a.txt')).toMatchObject({ encryptionKeyId: undefined });
    expect(readFileSync(join(directory, 'objects', 'a.txt'), 'latin1')).toContain(text);
    await expect(files.signUrl('a.txt', { expiresInMs: 1_000 })).rejects.toMatchObject({ code: 'CONFIGURATION_ERROR' });
  });

  it('are encrypted with the first key, and can be read with all of them', async () => {
    const directory = folder();
    const base = { STORAGE_BASE_PATH: directory, STORAGE_ENCRYPTION_ENABLED: 'true' };
    await using before = open({ ...base, STORAGE_ENCRYPTION_KEYS: firstKey });
    expect((await before.saveFile(text, 'a.txt')).encryptionKeyId).toBe('2025b');
    expect(readFileSync(join(directory, 'objects', 'a.txt'), 'latin1')).not.toContain('nobody');

    await using both = open({ ...base, STORAGE_ENCRYPTION_KEYS: `${secondKey},${firstKey}` });
    expect((await both.saveFile(text, 'b.txt')).encryptionKeyId).toBe('2026a');
    expect((await both.readBytes('a.txt')).toString()).toBe(text);
    expect(await both.rotateKeys()).toMatchObject({ rewrapped: 1, failed: [] });

    await using after = open({ ...base, STORAGE_ENCRYPTION_KEYS: secondKey });
    expect((await after.readBytes('a.txt')).toString()).toBe(text);
  });

  it('that were kept plain before can be read if that is allowed', async () => {
    const directory = folder();
    await using plain = open({ STORAGE_BASE_PATH: directory });
    await plain.saveFile(text, 'a.txt');
    const encrypted = {
      STORAGE_BASE_PATH: directory,
      STORAGE_ENCRYPTION_ENABLED: 'true',
      STORAGE_ENCRYPTION_KEYS: firstKey,
    };
    await using strict = open(encrypted);
    await expect(strict.readBytes('a.txt')).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
    await using lenient = open({ ...encrypted, STORAGE_ENCRYPTION_ACCEPTS_PLAIN: 'true' });
    expect((await lenient.readBytes('a.txt')).toString()).toBe(text);
  });

  it('have links that old secrets have signed too', async () => {
    const [old, current] = ['old-secret-'.padEnd(40, 'x'), 'new-secret-'.padEnd(40, 'y')];
    const base = { STORAGE_BASE_PATH: folder(), STORAGE_PUBLIC_URL: 'https://files.example/files' };
    await using before = open({ ...base, STORAGE_SIGNING_SECRETS: old });
    await before.saveFile(text, 'a.txt');
    const url = await before.signUrl('a.txt', { expiresInMs: 60_000 });
    expect(url).toMatch(/^https:\/\/files\.example\/files\//);
    await using after = open({ ...base, STORAGE_SIGNING_SECRETS: `${current},${old}` });
    expect(after.verifyUrl('GET', url)).toMatchObject({ key: 'a.txt' });
    await using other = open({ ...base, STORAGE_SIGNING_SECRETS: current });
    expect(() => other.verifyUrl('GET', url)).toThrow('not made for this request');
  });

  it.each([
    ['STORAGE_QUOTA_MAX_BYTES', String(text.length)],
    ['STORAGE_QUOTA_MAX_FILES', '1'],
  ])('are as much as each owner may store: %s', async (name, value) => {
    await using files = open({ STORAGE_BASE_PATH: folder(), [name]: value });
    await files.saveFile(text, 'a.txt', { owner: 'one' });
    await files.saveFile(text, 'b.txt', { owner: 'two' });
    const tooMuch = files.saveFile(text, 'c.txt', { owner: 'one' });
    await expect(tooMuch).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED', limit: Number(value) });
    await expect(files.saveFile(text, 'c.txt')).rejects.toThrow('Files need an owner');
  });

  it('have a SHA-256 where it is wanted', async () => {
    const base = { STORAGE_BASE_PATH: folder() };
    await using files = open({ ...base, STORAGE_CHECKSUM: 'sha256' });
    expect((await files.saveFile(text, 'a.txt')).checksum).toMatch(/^[\da-f]{64}$/);
    await using others = open(base);
    expect((await others.saveFile(text, 'b.txt')).checksum).toBeUndefined();
  });

  it('have the extensions that are allowed', async () => {
    await using files = open({ STORAGE_BASE_PATH: folder(), STORAGE_ALLOWED_EXTENSIONS: 'log, .PDF' });
    await expect(files.saveFile(text, 'a.txt')).rejects.toMatchObject({
      fieldErrors: { content: 'Expected one of .log, .pdf' },
    });
    expect((await files.saveFile(text, 'a.log')).contentType).toBe('text/plain');
  });

  it('have the extensions of the toolkit otherwise, as the table of settings says', () => {
    const listed = listVariables().find(({ name }) => name === 'STORAGE_ALLOWED_EXTENSIONS')?.fallbackText;
    expect(listed).toBe(defaultAllowedExtensions.map(extension => `\`${extension}\``).join(', '));
  });

  it('are remembered for the time of the settings, and asked for each time without it', async () => {
    const directory = folder();
    const clock = new VirtualClock();
    await using others = open({ STORAGE_BASE_PATH: directory });
    await using remembering = open({ STORAGE_BASE_PATH: directory, STORAGE_CACHE_TTL: '10s' }, clock);
    await using asking = open({ STORAGE_BASE_PATH: directory, STORAGE_CACHE_TTL: '0s' });
    const [first] = [await others.saveFile('one', 'a.txt'), await remembering.getFileInfo('a.txt')];
    const second = await others.saveFile('three', 'a.txt');
    expect(await remembering.getFileInfo('a.txt')).toEqual(first);
    expect(await asking.getFileInfo('a.txt')).toEqual(second);
    await clock.advance(10_000);
    expect(await remembering.getFileInfo('a.txt')).toEqual(second);
    expect(readdirSync(join(directory, 'objects'))).toEqual(['a.txt']);
  });

  it.each([
    ['the process is alone', {}, 'one'],
    ['there is a Redis, and so there may be others', { REDIS_URL: 'redis://127.0.0.1:1' }, 'three'],
    ['somebody has chosen', { REDIS_URL: 'redis://127.0.0.1:1', STORAGE_CACHE_TTL: '1h' }, 'one'],
  ])('are remembered by default or not when %s', async (_, environment, seen) => {
    const directory = folder();
    await using others = open({ STORAGE_BASE_PATH: directory });
    await using files = open({ STORAGE_BASE_PATH: directory, ...environment });
    await others.saveFile('one', 'a.txt');
    await files.getFileInfo('a.txt');
    await others.saveFile('three', 'a.txt');
    expect((await files.getFileInfo('a.txt'))?.bytes).toBe(seen.length);
  });
});
