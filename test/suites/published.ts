import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const manifest = new URL('published/package.json', import.meta.url);
const folder = fileURLToPath(new URL('.', manifest));

/**
 * Decides about tests that are published by others: they have a package and a lock of their own in `published/`, which the
 * root install does not install. Where it is missing they are skipped by name, loudly; with `PLINTH_REQUIRE_SERVERS=1` that
 * is a failure.
 */
export function publishedOrSkip(name: string): boolean {
  if (existsSync(`${folder}node_modules/${name}`)) return true;
  const advice = `Run npm ci --ignore-scripts --prefix test/suites/published`;
  if (process.env['PLINTH_REQUIRE_SERVERS'] === '1') {
    throw new Error(`${name} is not installed, and PLINTH_REQUIRE_SERVERS=1 forbids to skip. ${advice}`);
  }
  process.stderr.write(`SKIPPED: ${name} is not installed. ${advice} to run its tests\n`);
  return false;
}

/** A module of theirs. What is used of it is described by its user, because its own types are not always there. */
export function published<Module>(name: string): Module {
  return createRequire(manifest)(name) as Module;
}
