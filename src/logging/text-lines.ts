import { logLevels } from './levels.ts';
import type { Binding, Line, Records } from './records.ts';

/**
 * Writes a line for people:
 * `2026-01-15 23:00:00 | INFO     | api.nyc_data_client  | nyc_data_client.ts:123        [abc-123] | API request successful`,
 * then the extras as `name=value`, then the stacks of errors on lines of their own. Times are UTC.
 */
export function textLine(records: Records, binding: Binding, line: Line): string {
  const { iso, rank, site } = line;
  const { extras, requestId } = records.extras(binding, line);
  const time = `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
  const level = (logLevels[rank] ?? '').padEnd(8);
  const place = `${site?.file ?? '-'}:${String(site?.lineNumber ?? '-').padEnd(10)}`;
  const message = printable(records.message(line.message));
  const head = `${time} | ${level} | ${printable(binding.name).padEnd(20)} | ${place} [${printable(requestId ?? '-')}] | ${message}`;
  const stacks: string[] = [];
  const shown = Object.entries(extras).map(([name, value]) => ` ${printable(name)}=${extraText(value, stacks)}`);
  return `${head}${shown.join('')}${stacks.map(stack => `\n${indented(stack)}`).join('')}\n`;
}

function extraText(value: unknown, stacks: string[]): string {
  if (typeof value === 'string') return /^[\w.:/+@-]+$/.test(value) ? value : printable(JSON.stringify(value));
  if (isErrorRecord(value)) {
    collectStacks(value, stacks);
    return JSON.stringify(`${value.name}: ${value.message}`);
  }
  return printable(JSON.stringify(value));
}

interface WrittenError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: unknown;
}

function isErrorRecord(value: unknown): value is WrittenError {
  return (
    typeof value === 'object' &&
    value !== null &&
    'stack' in value &&
    'name' in value &&
    'message' in value &&
    typeof value.stack === 'string'
  );
}

function collectStacks(error: WrittenError, stacks: string[]): void {
  stacks.push(error.stack);
  if (isErrorRecord(error.cause)) collectStacks({ ...error.cause, stack: `Caused by: ${error.cause.stack}` }, stacks);
}

/** Every line of a stack stands under its line of the log, so that no message can pass for one. */
function indented(stack: string): string {
  return stack
    .split('\n')
    .map(part => `    ${printable(part)}`)
    .join('\n');
}

/** Control characters written out: a message must not be able to begin a new line or to colour a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\p{Bidi_Control}]/gu, character => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
