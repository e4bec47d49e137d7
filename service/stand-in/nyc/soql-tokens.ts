import { SodaQueryError } from './soda-error.ts';

/** A word of SoQL. */
export interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'sign';
  /** Names in small letters, texts without their quotation marks. */
  readonly text: string;
}

const pattern =
  /\s+|'((?:[^']|'')*)'|`([^`]+)`|(-?(?:\d+\.?\d*|\.\d+))(?![\w])|(:?[A-Za-z_][A-Za-z0-9_]*)|(<=|>=|!=|<>|[=<>(),*])/y;

/** Takes SoQL apart. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  for (let position = 0; position < text.length; position = pattern.lastIndex) {
    const found = pattern.exec(text);
    if (found === null) {
      throw new SodaQueryError(
        'syntax',
        `Could not parse SoQL query, unexpected \`${text.slice(position, position + 1)}'`,
      );
    }
    const [, quoted, backquoted, number, name, sign] = found;
    if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted.replaceAll("''", "'") });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else if (backquoted !== undefined || name !== undefined) {
      tokens.push({ kind: 'name', text: (backquoted ?? name ?? '').toLowerCase() });
    }
  }
  return tokens;
}
