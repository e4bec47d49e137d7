import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const subpaths = Object.keys(manifest.exports).filter(subpath => subpath !== './package.json');
const publicNames = subpaths.map(subpath => [manifest.name + subpath.slice(1)] as const);
const run = promisify(execFile);

/**
 * Imports one entry in a process of its own and says what importing it has done to that process. undici announces its
 * dispatcher in a global symbol for the platform's fetch, and zod its registry, so that several copies of it are one;
 * these are their ways and not ours to change.
 */
const observer = `
  const listeners = () => process.eventNames().map(name => String(name) + ' ' + process.listenerCount(name));
  const theirs = name => name.includes('undici.globalDispatcher') || name.startsWith('__zod_global');
  const globals = () => Reflect.ownKeys(globalThis).map(String).filter(name => !theirs(name));
  const resources = () => process.getActiveResourcesInfo();
  const before = [...listeners(), ...globals(), ...resources()];
  const names = Object.keys(await import(process.argv[1]));
  const effects = [...listeners(), ...globals(), ...resources()].filter(effect => !before.includes(effect));
  process.stdout.write(JSON.stringify({ names, effects }));
`;

describe('public entries', { timeout: 60_000 }, () => {
  it.concurrent.each(publicNames)('%s exports names, none a default, and importing it does nothing', async name => {
    const options = ['--conditions=plinth-source', '--import', 'tsx', '--input-type=module', '--eval', observer];
    const { stdout, stderr } = await run(process.execPath, [...options, name]);
    const { names, effects } = JSON.parse(stdout) as { readonly names: string[]; readonly effects: string[] };
    expect(names).not.toEqual([]);
    expect(names).not.toContain('default');
    expect({ effects, stderr }).toEqual({ effects: [], stderr: '' });
  });
});
