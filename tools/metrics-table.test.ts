import { readFile } from 'node:fs/promises';
import { metricDefinitions } from 'plinth/telemetry';
import { describe, expect, it } from 'vitest';
import { metricsPage, renderMetricsPage } from './metrics-table.ts';

describe('docs/metrics.md', () => {
  it('is what the table of metrics says', async () => {
    expect(await readFile(metricsPage, 'utf8')).toBe(renderMetricsPage(metricDefinitions));
  });

  it('has a row for every metric', () => {
    const page = renderMetricsPage([
      { name: 'a_total', type: 'counter', labels: ['x', 'y'], help: 'Help', unit: 'things' },
    ]);
    expect(page).toContain('| `a_total` | counter | `x`, `y` | things | Help |\n');
  });
});
