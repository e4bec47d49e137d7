import { type Dispatcher, fetch as sendRequest } from 'undici';
import { ArgumentError } from '../../errors/index.ts';
import type { Clock, Secret } from '../../kernel/index.ts';
import { AiSdkProvider } from './ai-sdk-provider.ts';
import { loadAzure, loadOpenAI } from './load-ai-sdk.ts';

/** What both providers take. */
interface ProviderOptions {
  readonly apiKey: Secret;
  /** What sends the requests: that of a `ConnectionPool`, or any other of undici. @default that of the process */
  readonly dispatcher?: Dispatcher | undefined;
  /** Reads dates in `Retry-After`. @default systemClock */
  readonly clock?: Clock | undefined;
}

/** How OpenAI is reached, or whoever speaks its language. */
export interface OpenAIProviderOptions extends ProviderOptions {
  /** The address of the interface, with its version or without. @default 'https://api.openai.com/v1' */
  readonly baseUrl?: string | undefined;
}

/** How a resource of Azure OpenAI is reached. Its deployments are what is called models here. */
export interface AzureOpenAIProviderOptions extends ProviderOptions {
  /** The address of the resource, such as `https://example.openai.azure.com`. */
  readonly endpoint: string;
  /** The version of the interface. @default 'v1' */
  readonly apiVersion?: string | undefined;
}

/** These were made before answers could be given a schema. */
const withoutSchema = /^gpt-(?:3\.5|4(?:-(?:\d{4}|32k|turbo).*)?$)/;

/**
 * OpenAI, by its chat completions: what all servers that are compatible with it know. Needs the package `@ai-sdk/openai`,
 * which is loaded at the first call.
 *
 * @throws {ArgumentError} when the key is empty or the address is none.
 * @example
 * const llm = new LlmClient({ provider: openAIProvider({ apiKey }), model: 'gpt-4' });
 */
export function openAIProvider(options: OpenAIProviderOptions): AiSdkProvider {
  const { apiKey, baseUrl = 'https://api.openai.com/v1', dispatcher, clock } = options;
  requireKey(apiKey);
  const address = requireAddress('baseUrl', baseUrl);
  const baseURL = new URL(address).pathname === '/' ? `${address}/v1` : address;
  return new AiSdkProvider({
    name: 'openai',
    clock,
    takesSchema: model => !withoutSchema.test(model),
    // Optional fields are no schema in the provider's strict sense; answers are checked here in any case.
    providerOptions: { openai: { strictJsonSchema: false } },
    async languageModel(model) {
      const { createOpenAI } = await loadOpenAI();
      return createOpenAI({ apiKey: apiKey.reveal(), baseURL, fetch: fetchThrough(dispatcher) }).chat(model);
    },
  });
}

/**
 * A resource of Azure OpenAI. Needs the package `@ai-sdk/azure`, which is loaded at the first call.
 *
 * @throws {ArgumentError} when the key is empty or the address is none.
 * @example
 * const provider = azureOpenAIProvider({ apiKey, endpoint: 'https://example.openai.azure.com' });
 * const llm = new LlmClient({ provider, model: 'my-deployment' });
 */
export function azureOpenAIProvider(options: AzureOpenAIProviderOptions): AiSdkProvider {
  const { apiKey, endpoint, apiVersion = 'v1', dispatcher, clock } = options;
  requireKey(apiKey);
  // Versions with a date are asked at an address of the deployment.
  const useDeploymentBasedUrls = apiVersion !== 'v1';
  const root = useDeploymentBasedUrls ? '/openai' : '/openai/v1';
  const address = requireAddress('endpoint', endpoint);
  const baseURL = new URL(address).pathname === '/' ? `${address}${root}` : address;
  return new AiSdkProvider({
    name: 'azure',
    clock,
    providerOptions: { openai: { strictJsonSchema: false }, azure: { strictJsonSchema: false } },
    async languageModel(deployment) {
      const { createAzure } = await loadAzure();
      const fetch = fetchThrough(dispatcher);
      return createAzure({ apiKey: apiKey.reveal(), baseURL, fetch, apiVersion, useDeploymentBasedUrls }).chat(
        deployment,
      );
    },
  });
}

/** undici's own fetch: the platform's takes only the dispatchers of the undici that it is built with. */
function fetchThrough(dispatcher: Dispatcher | undefined): typeof globalThis.fetch {
  const send = (input: string | URL, init: object = {}): Promise<unknown> =>
    sendRequest(input, dispatcher === undefined ? init : { ...init, dispatcher });
  return send as typeof globalThis.fetch;
}

function requireKey(apiKey: Secret): void {
  if (apiKey.reveal().trim() === '')
    throw new ArgumentError('Cannot use apiKey: expected a key, got an empty one', 'apiKey');
}

function requireAddress(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '') return text.replace(/\/+$/, '');
  throw new ArgumentError(`Cannot use ${name}: expected an http or https address without a password`, name);
}
