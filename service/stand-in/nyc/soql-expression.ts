import { SodaQueryError } from './soda-error.ts';
import { type Token, tokensOf } from './soql-tokens.ts';

/** What a literal can be. */
export type Literal = string | number | boolean;

/** How two values are compared. */
export type Comparison = '=' | '!=' | '<' | '>' | '<=' | '>=';

/** A value in a condition. */
export type Operand =
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'call'; readonly name: 'upper' | 'lower'; readonly of: Operand };

/** A condition of `$where`. */
export type Condition =
  | { readonly kind: 'and'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'in'; readonly of: Operand; readonly list: readonly Operand[]; readonly negated: boolean }
  | { readonly kind: 'like'; readonly of: Operand; readonly pattern: Operand; readonly negated: boolean }
  | {
      readonly kind: 'between';
      readonly of: Operand;
      readonly low: Operand;
      readonly high: Operand;
      readonly negated: boolean;
    }
  | { readonly kind: 'null'; readonly of: Operand; readonly negated: boolean }
  | { readonly kind: 'truth'; readonly of: Operand };

/** An item of `$select`. */
export type Selection =
  | { readonly kind: 'all' }
  | { readonly kind: 'column'; readonly name: string; readonly as: string }
  | { readonly kind: 'count'; readonly of: string | undefined; readonly as: string };

/** An item of `$order`. */
export interface Ordering {
  readonly name: string;
  readonly descending: boolean;
}

const comparisons: ReadonlySet<string> = new Set(['=', '!=', '<>', '<', '>', '<=', '>=']);
const maxDepth = 50;

/** Reads SoQL: the part of it that the stand-in knows. */
export class SoqlParser {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  /** `$where` */
  condition(): Condition {
    return this.#whole(this.#or());
  }

  /** `$order` */
  orderings(): readonly Ordering[] {
    return this.#list(() => {
      const name = this.#name();
      const descending = this.#takes('desc');
      if (!descending) this.#takes('asc');
      return { name, descending };
    });
  }

  /** `$select` */
  selections(): readonly Selection[] {
    return this.#list(() => {
      if (this.#takes('*')) return { kind: 'all' };
      const name = this.#name();
      if (name === 'count' && this.#takes('(')) {
        const of = this.#takes('*') ? undefined : this.#name();
        this.#expect(')');
        const standard = of === undefined ? 'count' : `count_${of}`;
        return { kind: 'count', of, as: this.#takes('as') ? this.#name() : standard };
      }
      return { kind: 'column', name, as: this.#takes('as') ? this.#name() : name };
    });
  }

  #list<Item>(item: () => Item): readonly Item[] {
    const items = [item()];
    while (this.#takes(',')) items.push(item());
    return this.#whole(items);
  }

  #or(): Condition {
    let left = this.#and();
    while (this.#takes('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Condition {
    let left = this.#not();
    while (this.#takes('and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Condition {
    if (this.#takes('not')) return { kind: 'not', of: this.#not() };
    if (!this.#takes('(')) return this.#predicate();
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new SodaQueryError('too-complex', 'Too many parentheses');
    const inner = this.#or();
    this.#expect(')');
    this.#depth -= 1;
    return inner;
  }

  #predicate(): Condition {
    const of = this.#operand();
    const operator = this.#tokens[this.#position]?.text ?? '';
    if (comparisons.has(operator)) {
      this.#position += 1;
      const right = this.#operand();
      return { kind: 'compare', operator: operator === '<>' ? '!=' : (operator as Comparison), left: of, right };
    }
    if (this.#takes('is')) {
      const negated = this.#takes('not');
      this.#expect('null');
      return { kind: 'null', of, negated };
    }
    const negated = this.#takes('not');
    if (this.#takes('in')) return { kind: 'in', of, list: this.#operands(), negated };
    if (this.#takes('like')) return { kind: 'like', of, pattern: this.#operand(), negated };
    if (this.#takes('between')) {
      const low = this.#operand();
      this.#expect('and');
      return { kind: 'between', of, low, high: this.#operand(), negated };
    }
    if (negated) throw this.#unexpected();
    return { kind: 'truth', of };
  }

  #operands(): readonly Operand[] {
    this.#expect('(');
    const list = [this.#operand()];
    while (this.#takes(',')) list.push(this.#operand());
    this.#expect(')');
    return list;
  }

  #operand(): Operand {
    const token = this.#tokens[this.#position];
    if (token?.kind === 'text') return this.#literal(token.text);
    if (token?.kind === 'number') return this.#literal(Number(token.text));
    const name = this.#name();
    if (name === 'true' || name === 'false') return { kind: 'literal', value: name === 'true' };
    if (!this.#takes('(')) return { kind: 'column', name };
    if (name !== 'upper' && name !== 'lower') {
      throw new SodaQueryError('syntax', `No such function: ${name}`);
    }
    const of = this.#operand();
    this.#expect(')');
    return { kind: 'call', name, of };
  }

  #literal(value: Literal): Operand {
    this.#position += 1;
    return { kind: 'literal', value };
  }

  #name(): string {
    const token = this.#tokens[this.#position];
    if (token?.kind !== 'name') throw this.#unexpected();
    this.#position += 1;
    return token.text;
  }

  #takes(text: string): boolean {
    const token = this.#tokens[this.#position];
    if (token === undefined || token.kind === 'text' || token.text !== text) return false;
    this.#position += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw this.#unexpected();
  }

  #whole<Value>(value: Value): Value {
    if (this.#position < this.#tokens.length) throw this.#unexpected();
    return value;
  }

  #unexpected(): SodaQueryError {
    const token = this.#tokens[this.#position];
    const found = token === undefined ? 'end of input' : `\`${token.text}'`;
    return new SodaQueryError('syntax', `Could not parse SoQL query, unexpected ${found}`);
  }
}
