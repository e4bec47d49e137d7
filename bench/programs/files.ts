/**
 * 100 MB through a store in memory, in blocks of 1 MiB; prints the time that goes by. Plinth's writes go to a temporary
 * file, are flushed (which costs nothing in memory) and take their place by a rename; the others write in place. Plinth's
 * reads are checked, by tag or cipher, and give blocks that the reader may keep; the positional reads use one block again.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/files.ts write "plinth FileStorageManager"
 *
 * With `memory` it prints how much more memory the process held at most than after a file of 2 MB.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { FileStorageManager, type FileStorageManagerOptions, KeyRing, LocalStorageStrategy } from 'plinth/storage';
import { peer } from '../peers.ts';

const blockBytes = 1_048_576;
/** How many blocks a file has. */
let blocks = 100;
const totalBytes = blocks * blockBytes;
const frameBytes = 262_144;
const warmUpRounds = 4;
const rounds = 7;
const cipherKey = Buffer.alloc(32, 1);

interface Way {
  write(): Promise<void>;
  read(): Promise<number>;
}

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'plinth-files-'));
const noise = Buffer.from(randomBytes(blockBytes));
const prose = Buffer.alloc(
  blockBytes,
  Array.from({ length: 997 }, (_, index) => `line ${index * 7919} of the log\n`).join(''),
);
const path = join(folder, 'raw');

async function* source(block: Buffer): AsyncGenerator<Buffer> {
  for (let index = 0; index < blocks; index += 1) yield block;
}

async function withFile<Result>(flags: string, work: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path, flags);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Reads and writes of one block that is used again: the limit. */
function positional(isHashed: boolean): Way {
  return {
    write: () =>
      withFile('w', async file => {
        const hash = createHash('sha256');
        for (let index = 0; index < blocks; index += 1) {
          if (isHashed) hash.update(noise);
          await file.write(noise, 0, blockBytes, index * blockBytes);
        }
        if (isHashed) hash.digest();
      }),
    read: () =>
      withFile('r', async file => {
        const hash = createHash('sha256');
        const block = Buffer.allocUnsafeSlow(blockBytes);
        let bytes = 0;
        for (let index = 0; index < blocks; index += 1) {
          bytes += (await file.read(block, 0, blockBytes, index * blockBytes)).bytesRead;
          if (isHashed) hash.update(block);
        }
        if (isHashed) hash.digest();
        return bytes;
      }),
  };
}

const streams: Way = {
  write: () => pipeline(source(noise), createWriteStream(path)),
  read: () => count(createReadStream(path)),
};

interface FlydriveDisk {
  putStream(key: string, content: Readable): Promise<void>;
  getStream(key: string): Promise<Readable>;
}

function flydrive(): Way {
  const { Disk } = peer<{ Disk: new (driver: object) => FlydriveDisk }>('flydrive');
  const { FSDriver } = peer<{ FSDriver: new (options: object) => object }>('flydrive/drivers/fs');
  const disk = new Disk(new FSDriver({ location: join(folder, 'flydrive'), visibility: 'private' }));
  return {
    write: () => disk.putStream('a.bin', Readable.from(source(noise))),
    read: async () => await count(await disk.getStream('a.bin')),
  };
}

function strategy(): Way {
  const store = new LocalStorageStrategy({ directory: join(folder, 'strategy') });
  return {
    write: async () => void (await store.put('a.bin', source(noise), { finish: () => '' })),
    read: async () => {
      await using object = await store.open('a.bin');
      return object === undefined ? 0 : await count(object.read());
    },
  };
}

function manager(options: Partial<FileStorageManagerOptions>, block: Buffer = noise, name = 'a.bin'): Way {
  const files = new FileStorageManager({
    strategy: new LocalStorageStrategy({ directory: join(folder, 'manager') }),
    allowedExtensions: ['.bin', '.txt'],
    maxFileBytes: 2 * totalBytes,
    ...options,
  });
  return {
    write: async () => void (await files.saveFile(source(block), name)),
    read: async () => await count((await files.readFile(name)).stream),
  };
}

/** Each block is looked at and then read over, as by the positional calls. */
function blockByBlock(): Way {
  const files = new FileStorageManager({
    strategy: new LocalStorageStrategy({ directory: join(folder, 'blocks') }),
    allowedExtensions: ['.bin'],
    maxFileBytes: 2 * totalBytes,
  });
  return {
    write: async () => void (await files.saveFile(source(noise), 'a.bin')),
    read: async () => {
      let bytes = 0;
      await files.readBlocks('a.bin', block => {
        bytes += block.byteLength;
      });
      return bytes;
    },
  };
}

/** The cipher alone, in frames, without a file. */
const bareCipher: Way = {
  write: async () => {
    for (let frame = 0; frame < totalBytes / frameBytes; frame += 1) {
      const cipher = createCipheriv('aes-256-gcm', cipherKey, Buffer.alloc(12, frame));
      cipher.update(noise.subarray(0, frameBytes));
      cipher.final();
    }
  },
  read: async () => {
    const nonce = Buffer.alloc(12);
    const cipher = createCipheriv('aes-256-gcm', cipherKey, nonce);
    const sealed = Buffer.concat([cipher.update(noise.subarray(0, frameBytes)), cipher.final()]);
    const tag = cipher.getAuthTag();
    for (let frame = 0; frame < totalBytes / frameBytes; frame += 1) {
      const decipher = createDecipheriv('aes-256-gcm', cipherKey, nonce, { authTagLength: 16 }).setAuthTag(tag);
      decipher.update(sealed);
      decipher.final();
    }
    return totalBytes;
  },
};

/** The cipher and a file by hand: one block after the other, into the raw file and out of it. */
const cipherAndFile: Way = {
  write: () =>
    withFile('w', async file => {
      const cipher = createCipheriv('aes-256-gcm', cipherKey, Buffer.alloc(12));
      for (let index = 0; index < blocks; index += 1) {
        await file.write(cipher.update(noise), 0, blockBytes, index * blockBytes);
      }
      cipher.final();
      await file.write(cipher.getAuthTag(), 0, 16, totalBytes);
    }),
  read: () =>
    withFile('r', async file => {
      const block = Buffer.allocUnsafeSlow(blockBytes);
      await file.read(block, 0, 16, totalBytes);
      const decipher = createDecipheriv('aes-256-gcm', cipherKey, Buffer.alloc(12), { authTagLength: 16 });
      decipher.setAuthTag(Buffer.from(block.subarray(0, 16)));
      let bytes = 0;
      for (let index = 0; index < blocks; index += 1) {
        bytes += (await file.read(block, 0, blockBytes, index * blockBytes)).bytesRead;
        decipher.update(block);
      }
      decipher.final();
      return bytes;
    }),
};

/** zlib alone, into the raw file and out of it. */
const bareGzip: Way = {
  write: () =>
    pipeline(Readable.from(source(prose)), createGzip({ level: 1, chunkSize: 131_072 }), createWriteStream(path)),
  read: () => count(createReadStream(path).pipe(createGunzip({ chunkSize: 131_072 }))),
};

const encryption = new KeyRing({ currentKeyId: 'bench', keys: { bench: KeyRing.generateKey() } });

const ways: Readonly<Record<string, () => Way>> = {
  'positional calls': () => positional(false),
  'positional calls and SHA-256': () => positional(true),
  'streams of node:fs': () => streams,
  'flydrive Disk': flydrive,
  'plinth LocalStorageStrategy': strategy,
  'plinth FileStorageManager': () => manager({}),
  'plinth FileStorageManager, block by block': blockByBlock,
  'plinth FileStorageManager, SHA-256': () => manager({ checksum: 'sha256' }),
  'AES-256-GCM alone': () => bareCipher,
  'AES-256-GCM and positional calls': () => cipherAndFile,
  'plinth FileStorageManager, encrypted': () => manager({ encryption }),
  'gzip of node:zlib to a file': () => bareGzip,
  'plinth FileStorageManager, compressed': () => manager({}, prose, 'a.txt'),
};

async function count(content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of content) bytes += chunk.byteLength;
  return bytes;
}

async function measure(what: string, way: Way): Promise<{ operations: number; cpuMs: number }> {
  await way.write();
  if ((await way.read()) !== totalBytes) throw new RangeError('What was read is not what was written');
  const times: number[] = [];
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    const startedMs = performance.now();
    if (what === 'write') await way.write();
    else await way.read();
    if (round >= warmUpRounds) times.push(performance.now() - startedMs);
  }
  times.sort((one, other) => one - other);
  return { operations: 1, cpuMs: times[Math.floor(rounds / 2)] as number };
}

async function memory(way: Way): Promise<number> {
  // A small file first: loading what it takes is not what a large one costs.
  const all = blocks;
  blocks = 2;
  await way.write();
  await way.read();
  blocks = all;
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = 0;
  const watching = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss - before);
  }, 2);
  await way.write();
  await way.read();
  clearInterval(watching);
  return peak;
}

const [, , what = 'write', name = 'plinth FileStorageManager'] = process.argv;
const make = ways[name];
if (make === undefined) throw new RangeError(`There is no way called "${name}"`);
try {
  if (what === 'memory') console.log(JSON.stringify({ extraMegabytes: Math.round((await memory(make())) / 1e5) / 10 }));
  else console.log(JSON.stringify(await measure(what, make())));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
