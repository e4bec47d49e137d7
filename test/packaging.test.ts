import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

const maxFileBytes = 1_048_576;

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const subpaths = Object.keys(manifest.exports).filter(subpath => subpath !== './package.json');
const publicNames = subpaths.map(subpath => manifest.name + subpath.slice(1));

/** Entries whose types speak of an optional peer: who uses one of them has it. */
const typedByPeers = new Set([
  'plinth',
  'plinth/batch/pg-boss',
  'plinth/llm/ai-sdk',
  'plinth/server',
  'plinth/storage/s3',
  'plinth/telemetry',
  'plinth/testing',
]);

const compiler = resolve('node_modules/ts7/bin/tsc');
const temporary = mkdtempSync(join(tmpdir(), 'plinth-packaging-'));
const copy = join(temporary, 'copy');
const sample = join(temporary, 'sample');
const quietInstall = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];

const execute = promisify(execFile);

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await execute(command, args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { message, stdout, stderr } = error as { message: string; stdout: string; stderr: string };
    throw new Error([message, stdout, stderr].join('\n'));
  }
}

/** Names out of a list that plain node can import in the sample project. */
async function loadable(names: readonly string[]): Promise<readonly string[]> {
  const program = `
    const loaded = [];
    for (const name of process.argv.slice(1)) {
      try { if (Object.keys(await import(name)).length > 0) loaded.push(name); } catch (error) { console.error(name, error.message); }
    }
    process.stdout.write(JSON.stringify(loaded));`;
  return JSON.parse(
    await run(process.execPath, ['--input-type=module', '--eval', program, ...names], sample),
  ) as string[];
}

/** What a strict project that imports these entries is told about our types. */
async function typeErrors(
  names: readonly string[],
  options: { readonly module: string; readonly moduleResolution: string },
): Promise<readonly string[]> {
  const imports = names.map((name, index) => `import * as room${index} from '${name}';`);
  const uses = `console.log([${names.map((_, index) => `Object.keys(room${index}).length`).join(', ')}].join(' '));`;
  writeFileSync(join(sample, 'sample.ts'), [...imports, uses, ''].join('\n'));
  const compilerOptions = {
    target: 'ES2023',
    lib: ['ES2023'],
    types: ['node'],
    strict: true,
    noEmit: true,
    ...options,
  };
  writeFileSync(join(sample, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['sample.ts'] }));
  const command = [compiler, '-p', 'tsconfig.json', '--pretty', 'false'];
  const output = await run(process.execPath, command, sample).catch((error: Error) => error.message);
  // The typings of other packages are not ours to judge.
  return output.split('\n').filter(line => /: error TS/.test(line) && !/^node_modules\/(?!plinth\/)/.test(line));
}

let packed: Packed;
let loadableWithoutPeers: readonly string[];
let typeErrorsWithoutPeers: readonly string[];

beforeAll(async () => {
  mkdirSync(copy);
  mkdirSync(sample);
  for (const name of [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'src',
    'connectors',
    'tools',
    'README.md',
    'LICENSE',
  ]) {
    cpSync(name, join(copy, name), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  await run(process.execPath, ['--import', 'tsx', 'tools/build.ts'], copy);
  const [result] = JSON.parse(await run('npm', ['pack', '--json', '--ignore-scripts'], copy)) as Packed[];
  if (result === undefined) throw new Error('npm pack printed nothing');
  packed = result;
  writeFileSync(join(sample, 'package.json'), JSON.stringify({ name: 'sample', private: true, type: 'module' }));
  const nodeTypes = `@types/node@${manifest.devDependencies['@types/node']}`;
  await run('npm', [...quietInstall, join(copy, packed.filename), nodeTypes], sample);
  loadableWithoutPeers = await loadable(publicNames);
  typeErrorsWithoutPeers = await typeErrors(
    publicNames.filter(name => !typedByPeers.has(name)),
    { module: 'NodeNext', moduleResolution: 'NodeNext' },
  );
  const peers = Object.keys(manifest.peerDependencies).filter(name => manifest.devDependencies[name] !== undefined);
  const versions = peers.map(name => `${name}@${manifest.devDependencies[name]}`);
  await run('npm', [...quietInstall, ...versions], sample);
}, 240_000);

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe('the package', { timeout: 180_000 }, () => {
  it('contains what was built, and no tests, maps, data or large files', () => {
    const paths = packed.files.map(file => file.path);
    expect(paths.filter(path => !/^(?:dist\/|package\.json$|README\.md$|LICENSE$)/.test(path))).toEqual([]);
    expect(
      paths.filter(path =>
        /\.test\.|test-d|\.bench\.|\.fixture\.|\.map$|\.planted$|recordings|(?:^|\/)data\//.test(path),
      ),
    ).toEqual([]);
    expect(packed.files.filter(file => file.size > maxFileBytes)).toEqual([]);
    const mapped = paths.filter(
      path => /\.(?:js|ts)$/.test(path) && readFileSync(join(copy, path), 'utf8').includes('//# sourceMappingURL'),
    );
    expect(mapped).toEqual([]);
  });

  it('loads every entry in plain node without any optional peer', () => {
    expect(loadableWithoutPeers).toEqual(publicNames);
  });

  it('loads every entry in plain node with the optional peers', async () => {
    expect(await loadable(publicNames)).toEqual(publicNames);
  });

  it('type-checks without any optional peer, but for the entries that are about one', () => {
    expect(typeErrorsWithoutPeers).toEqual([]);
  });

  it('starts the embedded database, whose engine is a worker thread with an entry of its own', async () => {
    const program = `
      import { DatabaseManager } from 'plinth/database';
      await using database = new DatabaseManager({ directory: 'pg' });
      await database.open();
      console.log(database.state);`;
    writeFileSync(join(sample, 'database.ts'), program);
    const emit = ['database.ts', '--target', 'ES2023', '--module', 'NodeNext', '--lib', 'ES2023,ESNext.Disposable'];
    await run(process.execPath, [compiler, ...emit, '--types', 'node', '--ignoreConfig'], sample);
    expect((await run(process.execPath, ['database.js'], sample)).trim()).toBe('open');
  });

  it.each([
    ['NodeNext', 'NodeNext'],
    ['Preserve', 'Bundler'],
  ])('type-checks in a strict project with module %s and resolution %s', async (module, moduleResolution) => {
    expect(await typeErrors(publicNames, { module, moduleResolution })).toEqual([]);
  });

  it('satisfies publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: copy, strict: true, level: 'suggestion' });
    expect(messages.map(message => formatMessage(message, pkg))).toEqual([]);
  });

  it('satisfies arethetypeswrong', async () => {
    const attw = resolve('node_modules/@arethetypeswrong/cli/dist/index.js');
    await run(
      process.execPath,
      [attw, packed.filename, '--profile', 'esm-only', '--format', 'ascii', '--no-color'],
      copy,
    );
  });
});
