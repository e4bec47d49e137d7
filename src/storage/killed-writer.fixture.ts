/** Saves files one after the other until it is killed. Tells its parent how often to wait, and then of every chunk. */
import { FileStorageManager, LocalStorageStrategy } from './index.ts';

const [, , directory = '', name = '', round = '0'] = process.argv;
const files = new FileStorageManager({ strategy: new LocalStorageStrategy({ directory }) });
const letters = 'abcdefghijklmnopqrstuvwxyz';

async function* content(letter: string, parts: number): AsyncGenerator<Buffer> {
  for (let part = 0; part < parts; part += 1) {
    yield Buffer.alloc(300_000, letter);
    process.send?.('chunk');
  }
}

process.send?.((Number(round) * 7) % 13);
for (let index = 0; ; index += 1) {
  const letter = letters[(Number(round) + index) % letters.length] as string;
  const parts = 1 + (index % 5);
  const key = `${name}/${index % 3 === 0 ? 'same' : `file-${round}-${index}`}.txt`;
  await files.saveFile(content(letter, parts), key, { metadata: { letter, length: parts * 300_000 } });
}
