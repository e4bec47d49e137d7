import type { ServerApp } from 'plinth/server';
import { type ConsoleAsset, consoleContentSecurityPolicy } from '../console-assets.ts';

/** Serves the page and its files. */
export function serveConsole(app: ServerApp, assets: readonly ConsoleAsset[]): void {
  for (const asset of assets) {
    const summary = asset.path === '/' ? { summary: 'The console' } : {};
    app.get(asset.path, { schema: { hide: true, ...summary } }, (request, reply) => {
      reply.header('etag', asset.etag).header('cache-control', asset.cacheControl);
      if (asset.path === '/') reply.header('content-security-policy', consoleContentSecurityPolicy);
      if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
      return reply.type(asset.contentType).send(asset.body);
    });
  }
}
