import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const manifest = new URL('peers/package.json', import.meta.url);
const folder = fileURLToPath(new URL('.', manifest));

/**
 * A library that is measured against. Peers have a package and a lock of their own in `bench/peers`, and are not there after the root install, so what
 * a question uses of one is described by the question, not by the peer's own types.
 */
export function peer<Module>(name: string): Module {
  return createRequire(manifest)(name) as Module;
}

/** Installs the peers by their lock, if they are not there. */
export function installPeers(): void {
  if (existsSync(`${folder}node_modules`)) return;
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--prefix', folder], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('The peers could not be installed: see the output of npm above');
}
