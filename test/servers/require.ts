import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Folders besides `PATH` in which a distribution keeps servers: Debian hides PostgreSQL's programs in its own. */
function serverFolders(): readonly string[] {
  const postgres = '/usr/lib/postgresql';
  const versions = existsSync(postgres)
    ? readdirSync(postgres).sort((left, right) => Number(right) - Number(left))
    : [];
  const path = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '');
  return [...versions.map(version => join(postgres, version, 'bin')), ...path, '/usr/sbin', '/usr/local/bin'];
}

/** The path of a program on this machine, or `undefined` where it is not installed. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = serverFolders();
  return names.flatMap(name => folders.map(folder => join(folder, name))).find(existsSync);
}

/**
 * Decides about tests that need a server: they run where the server is, and are skipped by name, loudly, where it is
 * not. With `PLINTH_REQUIRE_SERVERS=1` a missing server is a failure instead, so that nothing is skipped in CI.
 *
 * @param name The program, such as `redis-server`, `postgres`, `chromium`, `promtool`.
 * @param path Where it is, when the test has found it in its own way; `undefined` for "not found".
 * @returns The path, or `undefined` to skip.
 * @example
 * const redis = serverOrSkip('redis-server');
 * describe.skipIf(redis === undefined)('cache on a real Redis', () => { … });
 */
export function serverOrSkip(name: string, path: string | undefined = findProgram(name)): string | undefined {
  if (path !== undefined && existsSync(path)) return path;
  const advice = `Install ${name} (see .ci/run) to run these tests`;
  if (process.env['PLINTH_REQUIRE_SERVERS'] === '1') {
    throw new Error(`${name} is not on this machine, and PLINTH_REQUIRE_SERVERS=1 forbids to skip. ${advice}`);
  }
  process.stderr.write(`SKIPPED: ${name} is not on this machine. ${advice}\n`);
  return undefined;
}
