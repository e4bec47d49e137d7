/**
 * Measures Plinth against the limit of the platform and against its peers.
 *
 *     npm run bench                     every question
 *     npm run bench cached-call         one question
 *     npm run bench -- --rounds 21      more rounds than 11
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measure } from './measure.ts';
import { installPeers } from './peers.ts';
import { type Question, questionFile } from './question.ts';
import { machine, table } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '11' } },
});
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new RangeError(`Cannot measure ${values.rounds} rounds`);

const known = readdirSync(new URL('questions', import.meta.url))
  .filter(file => file.endsWith('.bench.ts'))
  .map(file => file.slice(0, -'.bench.ts'.length));
const unknown = positionals.filter(name => !known.includes(name));
if (unknown.length > 0)
  throw new RangeError(`No question is called ${unknown.join(', ')}; there are ${known.join(', ')}`);

installPeers();
console.log(`${machine()}, ${rounds} rounds\n`);
for (const name of positionals.length > 0 ? positionals : known) {
  const question = (await import(questionFile(name).href)) as Question;
  console.log(`## ${name}: ${question.question}\n`);
  console.log(`${table(await measure(name, question, rounds), question.limit)}\n`);
}
