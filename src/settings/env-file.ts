import { parseEnv } from 'node:util';

/** The lines of an env file that cannot be meant: the platform's reader skips them, or stops at them, in silence. */
interface EnvFile {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** What is wrong, with the line, without its text. */
  readonly problems: readonly string[];
}

/** Reads `NAME=value` lines the way Node does, and reports what Node would swallow. */
export function parseEnvFile(text: string): EnvFile {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const problems: string[] = [];
  const understood: string[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (/^\s*(?:#|$)/.test(line)) continue;
    const assignment = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/.exec(line);
    if (assignment === null) {
      problems.push(`Line ${index + 1}: expected NAME=value`);
      continue;
    }
    const [, name = '', value = ''] = assignment;
    const last = lastLineOfValue(lines, index, value);
    if (last === undefined) {
      problems.push(`Line ${index + 1}: the quote that opens the value of ${name} is never closed`);
      continue;
    }
    understood.push([`${name}=${value}`, ...lines.slice(index + 1, last + 1)].join('\n'));
    index = last;
  }
  return { variables: parseEnv(understood.join('\n')), problems };
}

/** The line on which a value ends that begins with a quote and may run over several. */
function lastLineOfValue(lines: readonly string[], first: number, value: string): number | undefined {
  const quote = /^["'`]/.exec(value)?.[0];
  if (quote === undefined || value.indexOf(quote, 1) > 0) return first;
  const rest = lines.slice(first + 1).findIndex(line => line.includes(quote));
  return rest < 0 ? undefined : first + 1 + rest;
}
