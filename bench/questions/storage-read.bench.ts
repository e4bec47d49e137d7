import type { Candidate } from '../question.ts';

export const question =
  'What does it cost to read a file of 100 MB in memory, against positional calls with one block of 1 MiB that is used again?';

const program = 'bench/programs/files.ts';

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  [
    'positional calls',
    'positional calls and SHA-256',
    'streams of node:fs',
    'flydrive Disk',
    'plinth LocalStorageStrategy',
    'plinth FileStorageManager',
    'plinth FileStorageManager, block by block',
  ].map(name => [name, { program, args: ['read', name] }]),
);

export const limit = 'positional calls';
