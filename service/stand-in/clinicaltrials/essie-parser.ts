import { ValidationError } from 'plinth/errors';

/** A search expression. `area` and `expansion` hold for all that is below them. */
export type Essie =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Essie[] }
  | { readonly kind: 'not'; readonly part: Essie }
  | { readonly kind: 'area'; readonly area: string; readonly part: Essie }
  | { readonly kind: 'exact'; readonly part: Essie }
  | { readonly kind: 'phrase'; readonly text: string }
  | { readonly kind: 'range'; readonly from: string; readonly to: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'all' };

/** An expression that cannot be read. */
export class EssieSyntaxError extends ValidationError {}

/** Reads a search expression: words are joined by AND, which binds closer than OR. @throws {EssieSyntaxError} */
export function parseEssie(text: string): Essie {
  return new Parser(text).parse();
}

const token = /\s*(?:"((?:[^"\\]|\\.)*)"|([A-Z]+)\[([^\]]*)\]|([()[\],"])|((?:\\.|[^\s()[\],"\\])+))/y;

interface Token {
  readonly kind: 'phrase' | 'context' | 'sign' | 'word';
  readonly text: string;
  /** What stands in the brackets of a context operator. */
  readonly inner: string;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  parse(): Essie {
    const found = this.#or();
    const left = this.#peek();
    if (left !== undefined) throw new EssieSyntaxError(`Unexpected \`${left.text}\``);
    return found;
  }

  #or(): Essie {
    const parts = [this.#and()];
    while (this.#takeWord('OR')) parts.push(this.#and());
    return single(parts) ?? { kind: 'or', parts };
  }

  #and(): Essie {
    const parts = [this.#unary()];
    for (;;) {
      const isJoined = this.#takeWord('AND');
      if (!isJoined && !this.#startsTerm()) return single(parts) ?? { kind: 'and', parts };
      parts.push(this.#unary());
    }
  }

  #unary(): Essie {
    if (this.#takeWord('NOT')) return { kind: 'not', part: this.#unary() };
    const found = this.#take();
    if (found === undefined) throw new EssieSyntaxError('Unexpected end of the expression');
    if (found.kind === 'context') return this.#context(found);
    if (found.kind === 'phrase') return { kind: 'phrase', text: found.text };
    if (found.kind === 'sign') {
      if (found.text !== '(') throw new EssieSyntaxError(`Unexpected \`${found.text}\``);
      const inner = this.#or();
      if (this.#take()?.text !== ')') throw new EssieSyntaxError('Unbalanced brackets');
      return inner;
    }
    if (found.text === 'AND' || found.text === 'OR') throw new EssieSyntaxError(`Unexpected \`${found.text}\``);
    if (found.text === 'MISSING') return { kind: 'missing' };
    if (found.text === 'ALL') return { kind: 'all' };
    return { kind: 'phrase', text: found.text.replace(/\\(.)/g, '$1') };
  }

  #context({ text, inner }: Token): Essie {
    if (text === 'AREA') return { kind: 'area', area: inner.trim(), part: this.#unary() };
    if (text === 'EXPANSION') return inner === 'None' ? { kind: 'exact', part: this.#unary() } : this.#unary();
    if (text === 'COVERAGE') return this.#unary();
    if (text === 'RANGE') {
      const [from = '', to, ...more] = inner.split(',').map(part => part.trim());
      if (to !== undefined && more.length === 0) return { kind: 'range', from, to };
    }
    throw new EssieSyntaxError(`Unexpected \`${text}[${inner}]\``);
  }

  #startsTerm(): boolean {
    const following = this.#peek();
    if (following === undefined) return false;
    if (following.kind === 'word') return following.text !== 'OR';
    return following.kind !== 'sign' || following.text === '(';
  }

  #takeWord(word: string): boolean {
    const found = this.#peek();
    if (found?.kind !== 'word' || found.text !== word) return false;
    this.#next += 1;
    return true;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #take(): Token | undefined {
    this.#next += 1;
    return this.#tokens[this.#next - 1];
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(token);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const [, phrase, context, inner = '', sign, word] = pattern.exec(text) ?? [];
    if (phrase !== undefined) tokens.push({ kind: 'phrase', text: phrase.replace(/\\(.)/g, '$1'), inner });
    else if (context !== undefined) tokens.push({ kind: 'context', text: context, inner });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, inner });
    else if (sign !== undefined && sign !== ',' && sign !== '"') tokens.push({ kind: 'sign', text: sign, inner });
    else throw new EssieSyntaxError(`Unexpected \`${sign ?? text.slice(0, 20)}\``);
  }
  return tokens;
}

function single(parts: readonly Essie[]): Essie | undefined {
  return parts.length === 1 ? parts[0] : undefined;
}
