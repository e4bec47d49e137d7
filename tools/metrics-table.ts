import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type MetricDefinition, metricDefinitions } from 'plinth/telemetry';

/** The page that lists every metric. */
export const metricsPage: URL = new URL('../docs/metrics.md', import.meta.url);

/** Renders the page from the table of metrics. */
export function renderMetricsPage(definitions: readonly MetricDefinition[]): string {
  const code = (text: string): string => `\`${text}\``;
  const rows = definitions.map(({ name, type, labels, unit, help }) =>
    [code(name), type, labels.map(code).join(', ') || 'none', unit, help].join(' | '),
  );
  return [
    '# Metrics',
    '',
    'Every metric that `GET /metrics` gives, written by `tools/metrics-table.ts` from `metricDefinitions` of `plinth/telemetry`.',
    'Label values come from closed sets; a metric with more than 200 sets of them counts the rest under `other`.',
    '',
    'metric | type | labels | unit | meaning',
    '--- | --- | --- | --- | ---',
    ...rows,
  ]
    .map(line => (line.includes(' | ') ? `| ${line} |` : line))
    .join('\n')
    .concat('\n');
}

async function main(): Promise<void> {
  const page = renderMetricsPage(metricDefinitions);
  const path = fileURLToPath(metricsPage);
  if (!process.argv.includes('--check')) return writeFile(path, page);
  const present = await readFile(path, 'utf8').catch(() => '');
  if (present === page) return;
  console.error('docs/metrics.md is stale: run "node --conditions=plinth-source --import tsx tools/metrics-table.ts"');
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
