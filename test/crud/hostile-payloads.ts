import { existsSync, readdirSync, readFileSync } from 'node:fs';

const stored = '../shared/suites';

/** The big list of naughty strings. */
export function naughtyStrings(): readonly string[] {
  return JSON.parse(readFileSync(`${stored}/blns/blns.json`, 'utf8')) as string[];
}

/** The payloads of the public lists, without comments and repetitions; none where the lists are not. */
export function publicPayloads(): readonly string[] {
  if (!existsSync(`${stored}/blns/blns.json`) || !existsSync(`${stored}/waf/patt`)) return [];
  const lines = (text: string): string[] => text.split(/\r?\n/).filter(line => line !== '' && !line.startsWith('# '));
  const values = (file: string): string[] =>
    lines(readFileSync(`${stored}/waf/${file}`, 'utf8')).map(line => {
      const { value, uri } = JSON.parse(line) as { value?: string; uri?: string };
      return value ?? decodeLoosely(uri ?? '');
    });
  const lists = readdirSync(`${stored}/waf/patt`).flatMap(file =>
    lines(readFileSync(`${stored}/waf/patt/${file}`, 'utf8')),
  );
  const traversal = lines(readFileSync(`${stored}/path-traversal/directory_traversal.txt`, 'utf8'));
  return [
    ...new Set([
      ...naughtyStrings(),
      ...lists,
      ...traversal,
      ...values('gotestwaf.jsonl'),
      ...values('crs-half.jsonl'),
    ]),
  ];
}

function decodeLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What the lists leave out, and what is meant for this kind of code. */
export const ownPayloads: readonly string[] = [
  `'`,
  `''`,
  `"`,
  `\\`,
  `\\'`,
  `';drop table products;--`,
  `"; drop table products; --`,
  `' or '1'='1`,
  `1 or 1=1`,
  `1; select pg_sleep(5)`,
  `' union select null, version(), null --`,
  `title" desc; drop table products; --`,
  `title) or (select 1)=1--`,
  `$1`,
  `$1::text`,
  `:title`,
  `?`,
  `%`,
  `_`,
  `%' or 1=1 --`,
  `/* comment */`,
  `--`,
  `$$;drop table products;$$`,
  `{1,2}`,
  `{"a"}`,
  `E'\\x27'`,
  `U&'\\0027'`,
  '\u0000',
  'a\u0000b',
  '\ud800',
  'ʼ or 1=1',
  '＇ or 1=1',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  'Infinity',
  '1e309',
  '-0',
  '',
  ' ',
  '\n;drop table products\n',
  'x'.repeat(20_000),
];
