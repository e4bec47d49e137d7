import type { SodaDataset, SodaType } from './soda-dataset.ts';
import { SodaQueryError } from './soda-error.ts';
import type { Comparison, Condition, Literal, Operand } from './soql-expression.ts';

/** Gives the value of a column of a row; `undefined` when it is empty. */
export type Cells = (column: string) => unknown;

/** Whether a row fits; `undefined` when that cannot be said, because something is empty. */
export type RowTest = (cells: Cells) => boolean | undefined;

interface Typed {
  readonly type: SodaType;
  /** The value of a literal, which takes on the type of what it is compared with. */
  readonly literal: Literal | undefined;
  readonly value: (cells: Cells) => Literal | undefined;
}

/** Checks a condition against the columns, and makes a test of it. Comparisons are of three values, as in SQL. */
export function testOf(condition: Condition, columns: SodaDataset['columns']): RowTest {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return joined(condition.kind === 'or', testOf(condition.left, columns), testOf(condition.right, columns));
    case 'not':
      return negated(testOf(condition.of, columns), true);
    case 'compare':
      return comparisonOf(condition.operator, typed(condition.left, columns), typed(condition.right, columns));
    case 'truth':
      return truthOf(typed(condition.of, columns));
    case 'null': {
      const of = typed(condition.of, columns);
      return cells => (of.value(cells) === undefined) !== condition.negated;
    }
    case 'like':
      return negated(likeOf(typed(condition.of, columns), typed(condition.pattern, columns)), condition.negated);
    case 'in': {
      const of = typed(condition.of, columns);
      const tests = condition.list.map(item => comparisonOf('=', of, typed(item, columns), '#IN'));
      const isIn: RowTest = cells => (of.value(cells) === undefined ? undefined : tests.some(test => test(cells)));
      return negated(isIn, condition.negated);
    }
    case 'between': {
      const of = typed(condition.of, columns);
      const low = comparisonOf('>=', of, typed(condition.low, columns), '#BETWEEN');
      const high = comparisonOf('<=', of, typed(condition.high, columns), '#BETWEEN');
      return negated(joined(false, low, high), condition.negated);
    }
  }
}

/** AND, and OR when true decides. */
function joined(decides: boolean, left: RowTest, right: RowTest): RowTest {
  return cells => {
    const [one, other] = [left(cells), right(cells)];
    if (one === decides || other === decides) return decides;
    return one === undefined || other === undefined ? undefined : !decides;
  };
}

function truthOf(of: Typed): RowTest {
  if (of.type !== 'checkbox') throw mismatch('WHERE', of.type);
  return cells => of.value(cells) as boolean | undefined;
}

/** Compares two values of one type. */
export function compareValues(one: Literal, other: Literal): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** A cell as a value of its column's type. */
export function cellValue(cell: unknown, type: SodaType): Literal | undefined {
  if (cell === undefined || cell === null) return undefined;
  if (type === 'number') return Number(cell);
  if (type === 'checkbox') return cell === true || cell === 'true';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

/** @throws {SodaQueryError} when the data set has no such column */
export function requireColumn(name: string, columns: SodaDataset['columns']): SodaType {
  const type = name === ':id' ? 'text' : columns.get(name);
  if (type === undefined) throw new SodaQueryError('no-such-column', `No such column: ${name}`, name);
  return type;
}

function typed(operand: Operand, columns: SodaDataset['columns']): Typed {
  if (operand.kind === 'literal') {
    const { value } = operand;
    const type = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'checkbox';
    return { type, literal: value, value: () => value };
  }
  if (operand.kind === 'column') {
    const type = requireColumn(operand.name, columns);
    return { type, literal: undefined, value: cells => cellValue(cells(operand.name), type) };
  }
  const of = typed(operand.of, columns);
  if (of.type !== 'text') throw mismatch(operand.name, of.type);
  return {
    type: 'text',
    literal: undefined,
    value: cells => {
      const value = of.value(cells);
      if (value === undefined) return undefined;
      return operand.name === 'upper' ? String(value).toUpperCase() : String(value).toLowerCase();
    },
  };
}

function comparisonOf(operator: Comparison, left: Typed, right: Typed, name: string = operator): RowTest {
  const one = adapted(left, right.type);
  const other = adapted(right, left.type);
  if (one.type !== other.type) throw mismatch(name, other.type);
  return cells => {
    const [a, b] = [one.value(cells), other.value(cells)];
    return a === undefined || b === undefined ? undefined : holds(operator, compareValues(a, b));
  };
}

function holds(operator: Comparison, order: number): boolean {
  if (operator === '=') return order === 0;
  if (operator === '!=') return order !== 0;
  if (operator === '<') return order < 0;
  if (operator === '>') return order > 0;
  return operator === '<=' ? order <= 0 : order >= 0;
}

/** Text in quotation marks may stand for a number or a time. */
function adapted(value: Typed, wanted: SodaType): Typed {
  const { literal, type } = value;
  if (typeof literal !== 'string' || type === wanted) return value;
  if (wanted === 'number' && /^-?(?:\d+\.?\d*|\.\d+)$/.test(literal)) {
    return { type: 'number', literal, value: () => Number(literal) };
  }
  if (wanted === 'floating_timestamp' && /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?)?$/.test(literal)) {
    const whole = literal.length === 10 ? `${literal}T00:00:00.000` : literal;
    return { type: 'floating_timestamp', literal, value: () => whole };
  }
  return value;
}

function likeOf(of: Typed, pattern: Typed): RowTest {
  if (of.type !== 'text' || pattern.type !== 'text')
    throw mismatch('#LIKE', of.type === 'text' ? pattern.type : of.type);
  return cells => {
    const [value, text] = [of.value(cells), pattern.value(cells)];
    return value === undefined || text === undefined ? undefined : isLike(String(value), String(text));
  };
}

function isLike(value: string, pattern: string): boolean {
  const escaped = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${escaped}$`, 's').test(value);
}

function negated(test: RowTest, isNegated: boolean): RowTest {
  if (!isNegated) return test;
  return cells => {
    const result = test(cells);
    return result === undefined ? undefined : !result;
  };
}

function mismatch(name: string, found: SodaType): SodaQueryError {
  return new SodaQueryError('type-mismatch', `Type mismatch for op$${name}, is ${found}`);
}
