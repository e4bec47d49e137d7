import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A fenced block of TypeScript in a document. */
export interface Block {
  /** `docs/cache.md:12`. */
  readonly place: string;
  readonly code: string;
  /** `ts` runs, `ts no-run` is only type-checked, `ts fragment` is neither. */
  readonly kind: 'run' | 'no-run' | 'fragment';
}

/** A link that leads nowhere. */
export interface BrokenLink {
  readonly place: string;
  readonly target: string;
}

/** README.md and everything in docs/. */
export function documents(): readonly string[] {
  return [...markdownIn('.').filter(path => path === 'README.md'), ...(existsSync('docs') ? markdownIn('docs') : [])];
}

/** Every Markdown file of the project outside the folders that are not ours. */
export function allMarkdown(): readonly string[] {
  return readdirSync('.', { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.md') && !/(?:^|\/)(?:node_modules|dist|data|\.git)\//.test(path))
    .sort();
}

function markdownIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.md'))
    .sort()
    .map(name => normalize(join(folder, name)));
}

/** The TypeScript blocks of a document. */
export function blocksOf(path: string): readonly Block[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/^```(?:ts|typescript)\b([^\n]*)\n(.*?)^```$/gms)].map(match => {
    const word = match[1]?.trim();
    return {
      place: `${path}:${text.slice(0, match.index).split('\n').length}`,
      code: match[2] ?? '',
      kind: word === 'no-run' || word === 'fragment' ? word : 'run',
    };
  });
}

/** Relative links of a document whose file or heading does not exist. */
export function brokenLinks(path: string): readonly BrokenLink[] {
  const text = withoutCode(readFileSync(path, 'utf8'));
  const broken: BrokenLink[] = [];
  for (const match of text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s+(\S+)/gm)) {
    const target = match[1] ?? match[2] ?? '';
    if (/^[a-z][a-z+.-]*:|^\/\//i.test(target) || leadsSomewhere(path, target)) continue;
    broken.push({ place: `${path}:${text.slice(0, match.index).split('\n').length}`, target });
  }
  return broken;
}

function leadsSomewhere(path: string, target: string): boolean {
  const [file = '', heading] = target.split('#', 2);
  const linked = file === '' ? path : join(dirname(path), decodeURI(file));
  if (!existsSync(linked)) return false;
  return heading === undefined || !linked.endsWith('.md') || anchorsOf(linked).has(heading);
}

/** The anchors that the usual renderers make of the headings of a document. */
function anchorsOf(path: string): ReadonlySet<string> {
  const headings = withoutCode(readFileSync(path, 'utf8')).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm);
  return new Set([...headings].map(([, title = '']) => anchorOf(title)));
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

/** The text with its code blanked out, so that lines keep their numbers and code is not read as links. */
function withoutCode(text: string): string {
  const blank = (code: string): string => code.replaceAll(/[^\n]/g, ' ');
  return text.replaceAll(/^```.*?^```$/gms, blank).replaceAll(/(?<=\n(?!#)[^\n]*)`[^`\n]+`/g, blank);
}
