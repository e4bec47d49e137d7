import type * as Azure from '@ai-sdk/azure';
import type * as OpenAI from '@ai-sdk/openai';
import { ConfigurationError } from '../../errors/index.ts';

/** Loads the provider of OpenAI, which is an optional peer. */
export function loadOpenAI(): Promise<typeof OpenAI> {
  return import('@ai-sdk/openai').catch(error => missing('@ai-sdk/openai', error));
}

/** Loads the provider of Azure OpenAI, which is an optional peer. */
export function loadAzure(): Promise<typeof Azure> {
  return import('@ai-sdk/azure').catch(error => missing('@ai-sdk/azure', error));
}

function missing(name: string, cause: unknown): never {
  throw new ConfigurationError(`The package ${name} is not installed. Install it: npm install ${name}`, [], { cause });
}
