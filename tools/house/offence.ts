/** One place that breaks a rule of the house. */
export interface Offence {
  /** Path from the root of the repository, with `/`. */
  readonly file: string;
  /** The line, counted from 1. */
  readonly line: number;
  /** The id of the rule. */
  readonly rule: string;
  /** What was found. */
  readonly what: string;
  /** What to do instead. */
  readonly fix: string;
}

/** Rule ids with one sentence each: why the rule exists or what it demands. */
export type RuleBook = Readonly<Record<string, string>>;

/** An offence on one line: where, what, why, and how to fix it. */
export function formatOffence(offence: Offence, rules: RuleBook): string {
  const { file, line, rule, what, fix } = offence;
  return `${file}:${line}  ${what}  [${rule}: ${rules[rule] ?? ''}]  Fix: ${fix}`;
}

/** Offences in the order in which a reader walks the tree. */
export function sortOffences(offences: readonly Offence[]): Offence[] {
  return [...offences].sort(
    (left, right) =>
      compare(left.file, right.file) ||
      left.line - right.line ||
      compare(left.rule, right.rule) ||
      compare(left.what, right.what),
  );
}

/** Prints the offences of one checker and sets the exit code of the process. */
export function reportOffences(title: string, files: number, offences: readonly Offence[], rules: RuleBook): void {
  for (const offence of offences) console.log(formatOffence(offence, rules));
  console.log(`${title}: ${offences.length === 0 ? 'clean' : `${offences.length} offences`}, ${files} files read`);
  process.exitCode = offences.length === 0 ? 0 : 1;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
