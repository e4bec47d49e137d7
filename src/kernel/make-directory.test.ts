import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory } from './make-directory.ts';

describe('makeDirectory()', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plinth-directory-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes what is missing, and leaves what is there', () => {
    makeDirectory(join(folder, 'a', 'b', 'c'));
    makeDirectory(join(folder, 'a', 'b', 'c'));
    expect(statSync(join(folder, 'a', 'b', 'c')).isDirectory()).toBe(true);
  });

  it('fails where a file is in the place of a directory', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => makeDirectory(join(folder, 'file'))).toThrow('EEXIST');
    expect(() => makeDirectory(join(folder, 'file', 'below'))).toThrow('ENOTDIR');
  });

  it.skipIf(process.platform !== 'linux')('fails, and does not hang, where the system makes no directories', () => {
    expect(() => makeDirectory('/proc/plinth/below')).toThrow('ENOENT');
  });
});
