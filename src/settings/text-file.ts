import { readFileSync, statSync } from 'node:fs';

/** What reading a file came to. */
export type TextFile = { readonly text: string } | { readonly problem: string } | undefined;

/** Far beyond any settings file, far below what hurts. */
const maxBytes = 1_048_576;

/** Reads a small UTF-8 file, without its byte order mark; `undefined` when there is none. Never throws. */
export function readTextFile(path: string): TextFile {
  try {
    const stats = statSync(path);
    if (!stats.isFile())
      return { problem: `Expected a file, found ${stats.isDirectory() ? 'a directory' : 'a device'}` };
    if (stats.size > maxBytes) return { problem: `Expected at most ${maxBytes} bytes, found ${stats.size}` };
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    return text.includes('\0') ? { problem: 'Expected UTF-8 text, found binary data' } : { text };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') return undefined;
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { problem: 'Expected UTF-8 text, found binary data' };
    return { problem: `Cannot be read (${code || 'unknown error'})` };
  }
}
