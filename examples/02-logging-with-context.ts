/**
 * Lines that know their request, in the format for people and in the one for machines; secrets are hidden in both.
 *
 * Run: node --conditions=plinth-source --import tsx examples/02-logging-with-context.ts
 */
import { runWithRequestContext } from 'plinth/context';
import { createLogging, logExceptions, logExecutionTime } from 'plinth/logging';

async function readProperty(bbl: string): Promise<{ bbl: string; violations: number }> {
  return { bbl, violations: 17 };
}

for (const format of ['text', 'json'] as const) {
  const lines: string[] = [];
  await using logging = createLogging({
    files: false,
    mode: 'line',
    format,
    console: { write: line => lines.push(line) },
  });
  const logger = logging.getLogger('api.nyc_data_client');
  const timed = logExecutionTime({ logger })(logExceptions({ logger })(readProperty));

  await runWithRequestContext({ requestId: 'abc-123', userId: 'user-123' }, async () => {
    const property = await timed('1007200055');
    logger.info('API request successful', { duration: 0.456, records: property.violations });
    logger.warning('Trying again', { url: 'https://user:hunter2@example.com/?token=abcdef0123456789' });
  });
  process.stdout.write(`${lines.join('')}\n`);
}
