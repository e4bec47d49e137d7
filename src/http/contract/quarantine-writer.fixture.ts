/** A process that puts records into a quarantine, says which ones are in it, and goes on until it is killed. */
import { FileQuarantine } from '../index.ts';

const [path = '', first = '0'] = process.argv.slice(2);
const quarantine = new FileQuarantine({ path, maxRecords: 100_000 });
for (let number = Number(first); ; number += 1) {
  await quarantine.add([
    {
      id: String(number),
      contract: 'killed',
      record: { number, text: 'ä'.repeat((number * 37) % 50_000) },
      error: { name: 'Error', message: 'No' },
      url: 'https://api.example.org',
      fetchedAt: number,
    },
  ]);
  // Two of three leave it, so that the file is written anew now and then.
  if (number % 3 === 2) await quarantine.remove([String(number - 1), String(number - 2)]);
  process.send?.(number);
}
