/** The process of one candidate: checks it, warms it up, and measures one round whenever it is told to. */
import { type CallCandidate, type Measurement, type Question, questionFile } from './question.ts';

const roundMs = 60;
const warmUpMs = 300;

const [, , questionName = '', candidateName = ''] = process.argv;
const { candidates } = (await import(questionFile(questionName).href)) as Question;
const candidate = (candidates as Readonly<Record<string, CallCandidate>>)[candidateName] as CallCandidate;

let sink = 0;

/** Runs blocks of the size until so much CPU time has gone by. */
async function measure(blockSize: number, minimumMs: number): Promise<Measurement> {
  let operations = 0;
  const before = process.cpuUsage();
  for (;;) {
    sink += await candidate.run(blockSize);
    operations += blockSize;
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1_000;
    if (cpuMs >= minimumMs) return { operations, cpuMs };
  }
}

await candidate.check();
let blockSize = 64;
for (let cpuMs = 0; cpuMs < 5; blockSize *= 2) ({ cpuMs } = await measure(blockSize, 0));
await measure(blockSize, warmUpMs);

process.on('message', message => {
  if (message === 'round') void measure(blockSize, roundMs).then(measurement => process.send?.(measurement));
  else {
    if (Number.isNaN(sink)) throw new RangeError(`${candidateName} gave something that is not a number`);
    process.disconnect();
    process.exit();
  }
});
process.send?.('ready');
