import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';

/** The conditions of package.json's `exports` that the build has to fill. */
interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

/** Compiles the toolkit and the connectors to `dist/` and makes sure that every public entry is there. */
function build(): boolean {
  rmSync('dist', { recursive: true, force: true });
  const compiler = spawnSync(process.execPath, ['node_modules/ts7/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
  if (compiler.status !== 0) return false;
  const missing = targets().filter(target => !existsSync(target));
  for (const target of missing) console.error(`package.json exports ${target}, which the build did not write`);
  return missing.length === 0;
}

function targets(): readonly string[] {
  const { exports: entries } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
  return Object.values(entries).flatMap(entry => (typeof entry === 'string' ? [entry] : Object.values(entry)));
}

const startedMs = performance.now();
const built = build();
console.log(built ? `Built dist/ in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s` : 'The build failed');
process.exitCode = built ? 0 : 1;
