import robotsParser from 'robots-parser';

/** What a robots.txt says to one crawler. */
export interface CrawlerRules {
  /** The rule that decides about a path with its query, such as `Disallow: /search`; `undefined` when none does. */
  ruleFor(path: string): string | undefined;
  /** How long to wait between two requests, in milliseconds. */
  readonly crawlDelayMs: number | undefined;
  /** The sitemaps that it names. */
  readonly sitemaps: readonly string[];
  /** How much of it is kept, in characters. */
  readonly characters: number;
}

/** What the parser is asked; its own types cannot be read as those of a module. */
type Robots = (url: string, text: string) => { getMatchingLineNumber(url: string, userAgent: string): number };

interface Rule {
  readonly kind: 'Allow' | 'Disallow';
  readonly pattern: string;
}

/** Rules for the crawlers that are named before them. */
interface Group {
  readonly agents: Set<string>;
  readonly rules: Rule[];
  /** By crawler: a delay holds for those who were named before it. */
  readonly delaysMs: Map<string, number>;
}

interface RobotsFile {
  readonly groups: readonly Group[];
  readonly sitemaps: readonly string[];
}

/** An origin that the parser is told, since it compares origins, and ours are the same by then. */
const anyOrigin = 'https://robots.invalid';

/** Longer delays than a timer can take are as good as this one. */
const maxDelayMs = 2_147_483_647;

/**
 * Reads a robots.txt (RFC 9309) for one crawler: the groups that name it, together, or those for `*`. Rules are matched by
 * the parser; it is given them in one spelling, and without the lines that must not come between them.
 *
 * @param token the crawler's product token in lower case.
 */
export function readRobots(text: string, token: string): CrawlerRules {
  const { groups, sitemaps } = readLines(text);
  const isNamed = groups.some(({ agents }) => agents.has(token));
  const agent = isNamed ? token : '*';
  const ours = groups.filter(({ agents }) => agents.has(agent));
  const rules = ours.flatMap(group => group.rules);
  const lines = ['User-agent: *', ...rules.map(({ kind, pattern }) => `${kind}: ${comparable(pattern, true)}`)];
  const file = lines.join('\n');
  const robots = (robotsParser as unknown as Robots)(`${anyOrigin}/robots.txt`, file);
  return {
    ruleFor(path) {
      // Its first line is that of the crawler, and lines are counted from 1.
      const rule = rules[robots.getMatchingLineNumber(anyOrigin + comparable(path, false), '*') - 2];
      return rule === undefined ? undefined : `${rule.kind}: ${rule.pattern}`;
    },
    crawlDelayMs: ours.map(({ delaysMs }) => delaysMs.get(agent)).findLast(delayMs => delayMs !== undefined),
    sitemaps,
    characters: file.length + sitemaps.join('').length,
  };
}

function readLines(text: string): RobotsFile {
  const groups: Group[] = [];
  const sitemaps: string[] = [];
  let group: Group | undefined;
  for (const line of text.split(/[\r\n]+/)) {
    const [, name = '', value = ''] = /^\s*([\w-]+)\s*:([^#]*)/.exec(line) ?? [];
    const content = value.trim();
    switch (name.toLowerCase()) {
      case 'user-agent':
        // After a rule a new group begins; any other line does not come between names (section 2.2).
        if (group === undefined || group.rules.length > 0) {
          group = { agents: new Set(), rules: [], delaysMs: new Map() };
          groups.push(group);
        }
        group.agents.add(tokenOf(content));
        break;
      case 'allow':
      case 'disallow':
        group?.rules.push({ kind: name.toLowerCase() === 'allow' ? 'Allow' : 'Disallow', pattern: content });
        break;
      case 'crawl-delay':
        if (group !== undefined) setDelay(group, content);
        break;
      case 'sitemap':
        // A sitemap's address may contain the character that begins a comment elsewhere.
        addSitemap(sitemaps, line.slice(line.indexOf(':') + 1).trim());
        break;
    }
  }
  return { groups, sitemaps };
}

/** The name of a crawler as it is compared: without a version, and in lower case. */
function tokenOf(name: string): string {
  return (/^[^\s/]*/.exec(name)?.[0] ?? '').toLowerCase();
}

function setDelay({ agents, delaysMs }: Group, seconds: string): void {
  if (!/^\d+(?:\.\d+)?$/.test(seconds)) return;
  const delayMs = Math.min(maxDelayMs, Math.round(Number(seconds) * 1_000));
  for (const agent of agents) delaysMs.set(agent, delayMs);
}

function addSitemap(sitemaps: string[], address: string): void {
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) sitemaps.push(address);
}

/**
 * One spelling for all that mean the same (section 2.2.2): unreserved characters as they are, every other one that is not
 * a delimiter as `%XX`. In a pattern `*` and a `$` at its end are special; anywhere else they are characters.
 */
function comparable(text: string, isPattern: boolean): string {
  const query = text.indexOf('?');
  const last = text.length - 1;
  const spelled = text.replace(/%[0-9a-f]{2}|[^\w\-.~/?:@!&()+,;=]/giu, (match, offset: number) => {
    if (match.length === 3 && match.startsWith('%')) {
      const character = String.fromCharCode(Number.parseInt(match.slice(1), 16));
      const isPlain = /[\w\-.~]/.test(character) || (query !== -1 && offset > query && /[/:]/.test(character));
      return isPlain ? character : match.toUpperCase();
    }
    if (match === '*') return isPattern ? match : '%2A';
    if (match === '$' && isPattern && offset === last) return match;
    return match === "'" ? '%27' : encodeURIComponent(match);
  });
  return isPattern ? spelled.replace(/\*{2,}/g, '*') : spelled;
}
