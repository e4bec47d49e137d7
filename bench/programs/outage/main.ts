/**
 * How much is an outage multiplied? Every candidate has a dependency of its own on loopback, all at the same time: 200
 * requests of users per second, in bursts of ten; in the middle half of the run every call fails.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/outage/main.ts
 *     node --conditions=plinth-source --import tsx bench/programs/outage/main.ts --seconds 12
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { installPeers } from '../../peers.ts';
import { machine } from '../../report.ts';
import { candidates } from './candidates.ts';
import type { Phase, Phases } from './load.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
if (!(seconds >= 1)) throw new RangeError(`Cannot run for ${values.seconds} seconds`);

const load = fileURLToPath(new URL('load.ts', import.meta.url));
const run = promisify(execFile);

async function measure(name: string): Promise<Phases> {
  const options = ['--conditions=plinth-source', '--import', 'tsx'];
  const { stdout } = await run(process.execPath, [...options, load, name, String(seconds)]);
  return JSON.parse(stdout) as Phases;
}

function sum(phases: readonly Phase[], count: keyof Phase): number {
  return phases.reduce((total, phase) => total + phase[count], 0);
}

function row(name: string, phases: Phases): string {
  const parts: readonly (readonly Phase[])[] = [...phases.map(phase => [phase]), phases];
  const asked = parts.map(part => (sum(part, 'calls') / sum(part, 'requests')).toFixed(3));
  const answered = phases.map(phase => `${((100 * phase.answered) / phase.requests).toFixed(1)} %`);
  return `| ${[name, ...asked, ...answered].join(' | ')} |`;
}

installPeers();
console.log(`${machine()}; ${seconds} s, of which the middle ${seconds / 2} s fail\n`);
const names = Object.keys(candidates);
const results = await Promise.all(names.map(measure));
console.log('| candidate | calls per request: before | during | after | whole | answered: before | during | after |');
console.log('|---|---|---|---|---|---|---|---|');
for (const [index, phases] of results.entries()) console.log(row(names[index] ?? '', phases));
