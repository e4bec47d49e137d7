import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigurationError } from '../errors/index.ts';
import { makeDirectory } from '../kernel/index.ts';
import { codeOf } from './descriptor.ts';
import { RollingFile, type RollingFileOptions } from './rolling-file.ts';

/** The log files, in the order in which sinks are numbered. */
export const logFileNames: readonly string[] = Object.freeze([
  'app.log',
  'error.log',
  'api.log',
  'model.log',
  'database.log',
]);

/** The file that a logger's subtree has for itself, as an index into {@link logFileNames}. */
export function ownFileOf(loggerName: string): number | undefined {
  const dot = loggerName.indexOf('.');
  const index = logFileNames.indexOf(`${dot === -1 ? loggerName : loggerName.slice(0, dot)}.log`);
  return index >= 2 ? index : undefined;
}

/**
 * Makes the directory, proves that it can be written, and opens all log files. Throws `ConfigurationError` that names
 * the directory, what the system said, and what to do.
 */
export function openLogFiles(options: RollingFileOptions): readonly RollingFile[] {
  const opened: RollingFile[] = [];
  try {
    makeDirectory(options.directory);
    proveWritable(options.directory);
    for (const name of logFileNames) opened.push(new RollingFile(name, options));
    return opened;
  } catch (error) {
    for (const file of opened) file.close();
    throw unusableDirectory(options.directory, error);
  }
}

function proveWritable(directory: string): void {
  const path = join(directory, `.write-check-${process.pid}`);
  const descriptor = openSync(path, 'w');
  try {
    // A full disk may still have room for a name; it has none for a block.
    writeSync(descriptor, Buffer.alloc(4_096));
  } finally {
    closeSync(descriptor);
    unlinkSync(path);
  }
}

const otherwise =
  'or choose another directory with LOG_DIR or the option "directory", or switch files off with "files: false"';

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'give the user of this process write permission',
  EPERM: 'give the user of this process write permission',
  EROFS: 'mount the file system writable',
  ENOSPC: 'free space on its file system',
  EDQUOT: 'free space in the quota of this user',
  ENOTDIR: 'remove the file that is in the place of a directory',
  EEXIST: 'remove the file that is in the place of a directory',
  EISDIR: 'remove the directory that is in the place of a log file',
  EMFILE: 'raise the limit of open files',
};

function unusableDirectory(directory: string, error: unknown): ConfigurationError {
  const path = resolve(directory);
  const cause = error instanceof Error ? error.message : String(error);
  const remedy = remedies[codeOf(error) ?? ''] ?? 'make it a directory that this process can write to';
  const message = `expected a directory that can be written, but ${path} cannot: ${cause}; ${remedy}, ${otherwise}`;
  return new ConfigurationError(`Log files cannot be written to ${path}`, [{ name: 'LOG_DIR', message }], {
    cause: error,
  });
}
