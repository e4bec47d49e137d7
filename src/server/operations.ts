import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { CheckReport, HealthReport } from '../health/index.ts';
import { loadPeer } from './load-peers.ts';
import type { ServerHealth, ServerMetrics } from './options.ts';
import { documentationPolicy } from './security-headers.ts';

/** `/health/live` and `/health/ready`: 200 when usable, also restricted; 503 when not. */
export function addHealthRoutes(app: FastifyInstance, health: ServerHealth): void {
  const answer = (reply: FastifyReply, report: HealthReport): FastifyReply =>
    reply
      .code(report.status === 'down' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(toWire(report));
  const report = reportSchema();
  const schema = (summary: string): object => ({
    summary,
    tags: ['operations'],
    response: { 200: report, 503: report },
  });
  app.get('/health/live', { schema: schema('Whether this process works') }, async (_, reply) =>
    answer(reply, await health.live()),
  );
  app.get('/health/ready', { schema: schema('Whether requests should be sent here') }, async (_, reply) =>
    answer(reply, await health.ready()),
  );
}

/** `/metrics`, in the text format of Prometheus. */
export function addMetricsRoute(app: FastifyInstance, metrics: ServerMetrics): void {
  app.get('/metrics', { schema: { summary: 'Metrics for Prometheus', tags: ['operations'] } }, async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.render()),
  );
}

/** `/openapi.json`, and the interactive documentation when it is wanted. */
export async function addDocumentation(app: FastifyInstance, docsUrl: string | false): Promise<void> {
  let text: string | undefined;
  app.get('/openapi.json', { schema: { summary: 'This API as OpenAPI 3.1', hide: true } }, (_, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(text);
  });
  if (docsUrl === false) return;
  const swaggerUi = await loadPeer('@fastify/swagger-ui@6', () => import('@fastify/swagger-ui'));
  await app.register(swaggerUi.default, {
    routePrefix: docsUrl,
    staticCSP: documentationPolicy,
    // Without it the page sends the document's address to a validator on the internet.
    uiConfig: { validatorUrl: 'none' } as object,
  });
}

/** What {@link toWire} makes. */
function reportSchema(): z.ZodType {
  const status = z.enum(['up', 'degraded', 'down']);
  const check = z.object({
    status: z.enum([...status.options, 'unknown']),
    critical: z.boolean(),
    message: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
    checked_at: z.string().optional(),
    duration: z.number().optional().meta({ description: 'Seconds' }),
  });
  return z.object({ status, checks: z.record(z.string(), check) });
}

/** Health as it goes over the wire: snake case and seconds, as everywhere in answers and logs. */
function toWire({ status, checks }: HealthReport): object {
  const wire = ({ status, critical, message, details, checkedAt, durationMs }: CheckReport): object => ({
    status,
    critical,
    ...(message !== undefined && { message }),
    ...(details !== undefined && { details }),
    ...(checkedAt !== undefined && { checked_at: new Date(checkedAt).toISOString() }),
    ...(durationMs !== undefined && { duration: Math.round(durationMs * 1_000) / 1_000_000 }),
  });
  return { status, checks: Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, wire(check)])) };
}
