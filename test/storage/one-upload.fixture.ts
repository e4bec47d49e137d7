/** Saves one file and tells how it went: `one-upload.fixture.ts <folder> <key> <bytes> <letter>`. */
import { FileStorageManager, LocalStorageStrategy } from 'plinth/storage';

const [directory = '', key = '', bytes = '0', letter = 'x'] = process.argv.slice(2);
await using files = new FileStorageManager({
  strategy: new LocalStorageStrategy({ directory }),
  allowedExtensions: ['.bin'],
});

async function* content(): AsyncGenerator<Uint8Array> {
  for (let left = Number(bytes); left > 0; left -= 100_000) yield Buffer.alloc(Math.min(left, 100_000), letter);
}

const answer = await files.saveFile(content(), key).then(
  () => ({ code: 'SAVED' }),
  (error: unknown) => {
    const { code, message, details } = error as { code?: unknown; message?: unknown; details?: unknown };
    return { code, message, details };
  },
);
process.stdout.write(JSON.stringify(answer));
