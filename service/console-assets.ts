import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServiceError } from 'plinth/errors';

/** One file of the console, ready to be sent. */
export interface ConsoleAsset {
  /** The path it is served at: `/` for the page, `/console/…` for the rest. */
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
  /** A strong entity tag with its quotes. */
  readonly etag: string;
  /** For the `Cache-Control` header: files with a hash in their name never change, the page is always asked for. */
  readonly cacheControl: string;
}

/** What the console needs, and nothing else: for the `Content-Security-Policy` header of the page. */
export const consoleContentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const consoleFolder = fileURLToPath(new URL('../console', import.meta.url));

/** The file as it is called in `console/`, and as `index.html` refers to it. */
const entryPoints = ['main.tsx', 'early-theme.ts', 'styles/main.css', 'icon.svg'];

const contentTypes: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Bundles the web console in memory, so that there is nothing to build. Takes about 100 ms; call it once at start.
 *
 * @throws ServiceError `CONSOLE_UNAVAILABLE` when the console cannot be bundled, with the reason as its cause.
 * @example
 * for (const asset of await loadConsoleAssets()) server.get(asset.path, (_, reply) => reply.type(asset.contentType).send(asset.body));
 */
export async function loadConsoleAssets(): Promise<readonly ConsoleAsset[]> {
  try {
    const files = await bundle();
    return [await page(files), ...files];
  } catch (error) {
    throw new ServiceError(
      'The console could not be bundled. Run `npm ci`, which installs esbuild',
      'CONSOLE_UNAVAILABLE',
      {
        cause: error,
      },
    );
  }
}

async function bundle(): Promise<readonly ConsoleAsset[]> {
  // Loaded only here: a service that runs without its console does not need esbuild.
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    absWorkingDir: consoleFolder,
    entryPoints: entryPoints.map(file => `src/${file}`),
    entryNames: '[name]-[hash]',
    outdir: 'out',
    write: false,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    // Calls of h() are a good deal shorter than those of the automatic runtime that the types are checked with.
    tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' } },
    inject: ['src/jsx.ts'],
    loader: { '.svg': 'copy' },
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
  });
  return outputFiles.map(({ path, contents }) => {
    const name = basename(path);
    return asset(
      `/console/${name}`,
      contentTypes[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      contents,
      {
        cacheControl: 'public, max-age=31536000, immutable',
      },
    );
  });
}

/** The page with the names of this build in place of the names of the sources. */
async function page(files: readonly ConsoleAsset[]): Promise<ConsoleAsset> {
  const template = await readFile(`${consoleFolder}/index.html`, 'utf8');
  const html = template.replace(/\{\{([\w-]+)\.(\w+)\}\}/g, (_, name: string, extension: string) => {
    const file = files.find(({ path }) => path.startsWith(`/console/${name}-`) && path.endsWith(`.${extension}`));
    if (!file) throw new ServiceError(`The page of the console refers to ${name}.${extension}, which was not built`);
    return file.path;
  });
  return asset('/', 'text/html; charset=utf-8', Buffer.from(html), { cacheControl: 'no-cache' });
}

function asset(
  path: string,
  contentType: string,
  contents: Uint8Array,
  { cacheControl }: Pick<ConsoleAsset, 'cacheControl'>,
): ConsoleAsset {
  const etag = `"${createHash('sha256').update(contents).digest('base64url').slice(0, 22)}"`;
  return { path, contentType, body: Buffer.from(contents), etag, cacheControl };
}
