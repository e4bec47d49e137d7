import type { Offence } from '../house/offence.ts';
import type { Edge } from './imports.ts';
import type { LayerRule } from './rules.ts';

type Graph = ReadonlyMap<string, ReadonlyMap<string, Edge>>;

/** One offence for every circle of files, and one for every circle of the service's feature folders. */
export function checkCycles(edges: readonly Edge[]): readonly Offence[] {
  const imports = edges.filter(edge => !edge.site.byUrl);
  const files = graphOf(imports, path => path);
  const features = graphOf(
    imports.filter(edge => !edge.site.from.isTest),
    featureOf,
  );
  return [
    ...circles(files, 'cycle', 'move what both need into a third file that imports neither'),
    ...circles(
      features,
      'feature-cycle',
      'let the composition root join the features, or move the shared part into one of its own',
    ),
  ];
}

/** The folder of a feature of the service; `undefined` for the composition root and everything else. */
function featureOf(path: string): string | undefined {
  const [area, folder, ...rest] = path.split('/');
  return area === 'service' && rest.length > 0 ? `service/${folder}` : undefined;
}

function graphOf(edges: readonly Edge[], nodeOf: (path: string) => string | undefined): Graph {
  const graph = new Map<string, Map<string, Edge>>();
  for (const edge of edges) {
    const from = nodeOf(edge.site.from.path);
    const to = nodeOf(edge.to);
    if (from === undefined || to === undefined) continue;
    if (from === to && from !== edge.to) continue;
    const targets = graph.get(from) ?? new Map<string, Edge>();
    if (!targets.has(to)) targets.set(to, edge);
    graph.set(from, targets);
  }
  return graph;
}

function circles(graph: Graph, rule: LayerRule, fix: string): readonly Offence[] {
  const offences: Offence[] = [];
  const reported = new Set<string>();
  for (const start of [...graph.keys()].sort()) {
    if (reported.has(start)) continue;
    const circle = shortestCircle(graph, start);
    if (circle === undefined) continue;
    for (const node of circle) reported.add(node);
    const edge = graph.get(start)?.get(circle[1] ?? start);
    if (edge === undefined) continue;
    offences.push({
      file: edge.site.from.path,
      line: edge.site.line,
      rule,
      what: `Imports in a circle: ${circle.join(' -> ')}`,
      fix,
    });
  }
  return offences;
}

/** The shortest way from a node back to itself, both ends included. */
function shortestCircle(graph: Graph, start: string): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    for (const next of graph.get(node)?.keys() ?? []) {
      if (next === start) return [...wayTo(node, start, cameFrom), start];
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return undefined;
}

function wayTo(node: string, start: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [node];
  for (let step = node; step !== start; way.unshift(step)) step = cameFrom.get(step) ?? start;
  return way;
}
