import { ValidationError } from 'plinth/errors';

/** A search expression, read. `field` is `undefined` when every field is meant. */
export type Query =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Query[] }
  | { readonly kind: 'not'; readonly part: Query }
  | { readonly kind: 'match'; readonly field: string | undefined; readonly text: string }
  | { readonly kind: 'wildcard'; readonly field: string | undefined; readonly pattern: string }
  | { readonly kind: 'range'; readonly field: string | undefined; readonly from: string; readonly to: string }
  | { readonly kind: 'exists'; readonly field: string };

/** The expression cannot be read. The message is in the words of openFDA's search engine. */
export class QuerySyntaxError extends ValidationError {}

interface Token {
  readonly kind: '(' | ')' | 'and' | 'or' | 'not' | 'field' | 'phrase' | 'word' | 'range' | 'end';
  readonly text: string;
  readonly column: number;
}

/**
 * Reads the part of Lucene's query syntax that openFDA documents: `field:term`, `field:"a phrase"`, `field:(a OR b)`, AND,
 * OR (also a space), NOT and `-`, parentheses, `*`, `[a TO b]`, `_exists_:field` and `_missing_:field`.
 */
export function parseQuery(text: string): Query {
  return new Parser(tokenize(text)).parse();
}

const patterns = [
  ['(', /\(/y],
  [')', /\)/y],
  ['and', /(?:AND\b|&&)/y],
  ['or', /(?:OR\b|\|\|)/y],
  ['not', /(?:NOT\b|-(?=\S))/y],
  ['field', /([\w.@]+):/y],
  ['phrase', /"((?:[^"\\]|\\.)*)"/y],
  ['range', /[[{]([^\]}]*)[\]}]/y],
  ['word', /((?:[^\s()"[\]{}:\\]|\\.)+)/y],
] as const satisfies readonly (readonly [Token['kind'], RegExp])[];

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    const space = /[\s+]+/y;
    space.lastIndex = position;
    if (space.test(text)) position = space.lastIndex;
    if (position >= text.length) break;
    const token = readToken(text, position);
    tokens.push(token.token);
    position = token.end;
  }
  tokens.push({ kind: 'end', text: '', column: text.length + 1 });
  return tokens;
}

function readToken(text: string, position: number): { readonly token: Token; readonly end: number } {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    if (found === null) continue;
    const content = (found[1] ?? found[0]).replace(/\\(.)/g, '$1');
    return { token: { kind, text: content, column: position + 1 }, end: pattern.lastIndex };
  }
  const rest = JSON.stringify(text.slice(position));
  const place = `Lexical error at line 1, column ${text.length + 1}`;
  throw new QuerySyntaxError(`[token_mgr_error] token_mgr_error: ${place}.  Encountered: <EOF> after : ${rest}`);
}

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Query {
    const query = this.#alternatives(undefined);
    if (this.#peek().kind !== 'end') this.#fail();
    return query;
  }

  #alternatives(field: string | undefined): Query {
    const parts = [this.#conjunction(field)];
    while (!['end', ')'].includes(this.#peek().kind)) {
      if (this.#peek().kind === 'or') this.#position += 1;
      parts.push(this.#conjunction(field));
    }
    return parts.length === 1 && parts[0] ? parts[0] : { kind: 'or', parts };
  }

  #conjunction(field: string | undefined): Query {
    const parts = [this.#clause(field)];
    while (this.#peek().kind === 'and') {
      this.#position += 1;
      parts.push(this.#clause(field));
    }
    return parts.length === 1 && parts[0] ? parts[0] : { kind: 'and', parts };
  }

  #clause(field: string | undefined): Query {
    const token = this.#peek();
    this.#position += 1;
    switch (token.kind) {
      case 'not':
        return { kind: 'not', part: this.#clause(field) };
      case 'field':
        return this.#ofField(token.text);
      case '(': {
        const group = this.#alternatives(field);
        if (this.#peek().kind !== ')') this.#fail();
        this.#position += 1;
        return group;
      }
      case 'phrase':
        return { kind: 'match', field, text: token.text };
      case 'word':
        return token.text.includes('*')
          ? { kind: 'wildcard', field, pattern: token.text }
          : { kind: 'match', field, text: token.text };
      case 'range': {
        const [from = '', to] = token.text.split(/\s+TO\s+/);
        if (to === undefined) this.#fail(token);
        return { kind: 'range', field, from: from.trim(), to: to.trim() };
      }
      default:
        return this.#fail(token);
    }
  }

  #ofField(field: string): Query {
    if (field !== '_exists_' && field !== '_missing_') return this.#clause(field);
    const token = this.#peek();
    if (token.kind !== 'word' && token.kind !== 'phrase') this.#fail();
    this.#position += 1;
    const exists = { kind: 'exists', field: token.text } as const;
    return field === '_exists_' ? exists : { kind: 'not', part: exists };
  }

  #peek(): Token {
    const end: Token = { kind: 'end', text: '', column: 1 };
    return this.#tokens[this.#position] ?? this.#tokens.at(-1) ?? end;
  }

  #fail(token = this.#peek()): never {
    const found = token.kind === 'end' ? '<EOF>' : JSON.stringify(token.text);
    throw new QuerySyntaxError(
      `[parse_exception] parse_exception: Encountered ${found} at line 1, column ${token.column}.`,
    );
  }
}
