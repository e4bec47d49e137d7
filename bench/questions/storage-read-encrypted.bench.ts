import type { Candidate } from '../question.ts';

export const question = 'What does it cost to read an encrypted file of 100 MB, against the cipher and a file by hand?';

const program = 'bench/programs/files.ts';

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  ['AES-256-GCM and positional calls', 'AES-256-GCM alone', 'plinth FileStorageManager, encrypted'].map(name => [
    name,
    { program, args: ['read', name] },
  ]),
);

export const limit = 'AES-256-GCM and positional calls';
