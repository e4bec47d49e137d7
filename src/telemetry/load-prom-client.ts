import { ConfigurationError } from '../errors/index.ts';

/** The vendor's module. */
export type PromClient = typeof import('prom-client');

/** Loads the optional package at the moment it is needed, so that those who measure nothing need not have it. */
export async function loadPromClient(
  load: () => Promise<PromClient | { default: PromClient }> = () => import('prom-client'),
): Promise<PromClient> {
  try {
    const module = await load();
    return 'default' in module ? module.default : module;
  } catch (cause) {
    throw new ConfigurationError(
      'Cannot collect metrics without the package prom-client',
      [
        {
          name: 'prom-client',
          message: 'Not installed. Install it with "npm install prom-client@15", or switch metrics off',
        },
      ],
      { cause },
    );
  }
}
