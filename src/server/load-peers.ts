import { ConfigurationError } from '../errors/index.ts';

/** The vendors' modules that a server is made of. */
export interface ServerPeers {
  readonly fastify: typeof import('fastify').fastify;
  readonly zodProvider: typeof import('fastify-type-provider-zod');
  readonly swagger: typeof import('@fastify/swagger').fastifySwagger;
}

/** Loads the optional packages at the moment they are needed, so that those who serve nothing need not have them. */
export async function loadPeers(): Promise<ServerPeers> {
  const [fastify, zodProvider, swagger] = await Promise.all([
    loadPeer('fastify@5', () => import('fastify')),
    loadPeer('fastify-type-provider-zod@7', () => import('fastify-type-provider-zod')),
    loadPeer('@fastify/swagger@9', () => import('@fastify/swagger')),
  ]);
  return { fastify: fastify.fastify, zodProvider, swagger: swagger.fastifySwagger };
}

/**
 * Loads one optional package.
 *
 * @throws {ConfigurationError} that names the package to install.
 */
export async function loadPeer<Module>(specifier: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const name = specifier.slice(0, specifier.lastIndexOf('@'));
    throw new ConfigurationError(
      `Cannot make a server without the package ${name}`,
      [{ name, message: `Not installed. Install it with "npm install ${specifier}"` }],
      { cause },
    );
  }
}
