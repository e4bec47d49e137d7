import type { Candidate } from '../question.ts';

export const question = 'What does it cost to write 100 MB of text that is kept as gzip, against zlib and a file?';

const program = 'bench/programs/files.ts';

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  ['gzip of node:zlib to a file', 'plinth FileStorageManager, compressed'].map(name => [
    name,
    { program, args: ['write', name] },
  ]),
);

export const limit = 'gzip of node:zlib to a file';
