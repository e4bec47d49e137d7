/**
 * Records what the records of an endpoint look like, or with `--check` says where samples differ from what is recorded.
 *
 *   node --conditions=plinth-source --import tsx tools/record-shape.ts <shape.json> <where> <sample.json>... [--map <path>]... [--check]
 *
 * `where` is where the records stand in a sample: `$` for a sample that is one record, `$[]` for a list of them,
 * `results[]` for a list in a field. A shape that exists is widened by the samples; delete it to begin anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { mergeShapes, parseShape, ResponseContract, type Shape, shapeOf } from 'plinth/http';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { map: { type: 'string', multiple: true, default: [] }, check: { type: 'boolean', default: false } },
});
const [path, where, ...files] = positionals;

/** The records of a sample. */
function recordsAt(sample: unknown, place: string): readonly unknown[] {
  const isList = place.endsWith('[]');
  const names = place
    .replace(/\[\]$/, '')
    .split('.')
    .filter(name => name !== '' && name !== '$');
  const found = names.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    sample,
  );
  if (isList) return Array.isArray(found) ? found : [];
  return found === undefined ? [] : [found];
}

/** A shape as JSON with one line for each path, so that a change is a line. */
function textOf(shape: Shape): string {
  const lines = Object.entries(shape).map(([at, { types, presence, cut }]) => {
    const names = types.map(type => JSON.stringify(type)).join(', ');
    return `  ${JSON.stringify(at)}: { "types": [${names}], "presence": "${presence}"${cut ? ', "cut": true' : ''} }`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** Says where records differ from what is recorded. */
async function check(recorded: Shape, records: readonly unknown[]): Promise<void> {
  const contract = new ResponseContract({
    name: 'samples',
    shape: recorded,
    read: (record: unknown) => record,
    minRecords: 1,
    maxCompared: Number.MAX_SAFE_INTEGER,
    maxElements: Number.MAX_SAFE_INTEGER,
  });
  const { drifts } = await contract.read(records, { url: 'samples', fetchedAt: 0 });
  for (const { kind, path: at, expected, found, sample } of drifts) {
    console.log(
      `${kind} ${at}: expected ${expected.join(', ') || 'nothing'}, found ${found ?? 'nothing'} ${sample ?? ''}`,
    );
  }
  console.log(`${records.length} records, ${drifts.length} differences`);
  process.exitCode = drifts.length === 0 ? 0 : 1;
}

if (path === undefined || where === undefined || files.length === 0) {
  console.error('Usage: record-shape.ts <shape.json> <where> <sample.json>... [--map <path>]... [--check]');
  process.exitCode = 2;
} else {
  const records = files.flatMap(file => recordsAt(JSON.parse(readFileSync(file, 'utf8')), where));
  const recorded = existsSync(path) ? parseShape(JSON.parse(readFileSync(path, 'utf8'))) : {};
  if (records.length === 0) {
    console.error(`There are no records at ${where} of the samples`);
    process.exitCode = 2;
  } else if (values.check) await check(recorded, records);
  else {
    const shape = mergeShapes(recorded, shapeOf(records, { maps: values.map }), { maps: values.map });
    writeFileSync(path, textOf(shape));
    console.log(`${path}: ${Object.keys(shape).length} paths of ${records.length} records`);
  }
}
