import type { RouteOptions } from 'fastify';

/** One route that the server answers. */
export interface RouteEntry {
  readonly method: string;
  /** The pattern, such as `/api/v1/users/:id`. */
  readonly path: string;
  /** What it does, from its schema; empty when it does not say. */
  readonly summary: string;
}

/** Collects the routes as they are registered. */
export class RouteTable {
  readonly #entries: (RouteEntry & { readonly hidden: boolean })[] = [];
  #matchers: { readonly method: string; readonly pattern: RegExp }[] | undefined;

  /** Adds a route. @param hidden Whether it is left out of {@link entries}: an asset of the documentation. */
  add(route: RouteOptions, hidden: boolean): void {
    const summary = (route.schema as { summary?: string } | undefined)?.summary ?? '';
    this.#matchers = undefined;
    for (const method of Array.isArray(route.method) ? route.method : [route.method]) {
      this.#entries.push({ method, path: route.url, summary, hidden });
    }
  }

  /** The routes by path. The `HEAD` that every `GET` brings along is left out. */
  entries(): readonly RouteEntry[] {
    return this.#entries
      .filter(entry => !entry.hidden && !(entry.method === 'HEAD' && this.#has('GET', entry.path)))
      .map(({ method, path, summary }) => ({ method, path, summary }))
      .sort((left, right) => compare(left.path, right.path) || compare(left.method, right.method));
  }

  /** The methods that a path is answered to; none when it is unknown. */
  methodsOf(path: string): readonly string[] {
    this.#matchers ??= this.#entries.map(entry => ({ method: entry.method, pattern: toPattern(entry.path) }));
    const methods = this.#matchers.filter(matcher => matcher.pattern.test(path)).map(matcher => matcher.method);
    return [...new Set(methods)].sort(compare);
  }

  #has(method: string, path: string): boolean {
    return this.#entries.some(entry => entry.method === method && entry.path === path);
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The router's own patterns as an expression: only a path that no route answers is ever tested against it. */
function toPattern(path: string): RegExp {
  const source = path
    .split('/')
    .map(segment => (segment === '*' ? '.*' : segment.startsWith(':') ? '[^/]+' : literal(segment)))
    .join('/');
  return new RegExp(`^${source}/?$`);
}

/** Takes a segment literally, except for parameters and wildcards inside it. */
function literal(segment: string): string {
  return segment
    .split(/(:[A-Za-z0-9_]+|\*)/)
    .map((part, index) =>
      index % 2 === 1 ? (part === '*' ? '.*' : '[^/]+') : part.replace(/[\\^$.|?+(){}[\]]/g, '\\$&'),
    )
    .join('');
}
