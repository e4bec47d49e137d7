import type { Dispatcher } from 'undici';
import { ArgumentError, ConfigurationError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import { azureOpenAIProvider, openAIProvider } from '../llm/ai-sdk/index.ts';
import { type LlmProvider, OfflineProvider } from '../llm/index.ts';
import type { Settings } from '../settings/index.ts';

/** Who can answer prompts by the settings alone. */
export type LlmProviderName = Settings['ai']['provider'];

const llmProviderNames: readonly LlmProviderName[] = ['openai', 'azure', 'offline'];

/**
 * Who answers when nobody is named: the provider of the settings. Without its key it is the offline one, except in
 * production, where an answer that is made up must never be taken for a real one.
 */
export function defaultLlmProvider({ ai, environment }: Settings): LlmProviderName {
  return ai.apiKey === undefined && environment !== 'production' ? 'offline' : ai.provider;
}

/**
 * A provider as the settings describe it. Opens nothing yet. How long an answer may take is left to the guard around it.
 *
 * @throws {ArgumentError} when there is no provider of this name.
 * @throws {ConfigurationError} when a setting that it needs is missing.
 */
export function makeLlmProvider(
  name: LlmProviderName,
  { ai }: Settings,
  { dispatcher, clock }: { readonly dispatcher: Dispatcher; readonly clock: Clock },
): LlmProvider {
  if (!llmProviderNames.includes(name)) {
    throw new ArgumentError(
      `Cannot ask the language model "${name}": expected ${llmProviderNames.join(', ')}; any other provider is an LlmProvider of your own`,
      'provider',
    );
  }
  if (name === 'offline') return new OfflineProvider();
  const patient = dispatcher.compose(withoutTimeouts);
  const { apiKey, baseUrl, azureEndpoint: endpoint } = ai;
  if (apiKey === undefined) throw missing('OPENAI_API_KEY', 'LLM API key not configured');
  if (name === 'openai') return openAIProvider({ apiKey, baseUrl, dispatcher: patient, clock });
  if (endpoint === undefined) throw missing('AZURE_OPENAI_ENDPOINT', 'The address of the resource is not configured');
  return azureOpenAIProvider({ apiKey, endpoint, dispatcher: patient, clock });
}

/** A model may be silent until its answer is there as a whole, for longer than connections otherwise may. */
const withoutTimeouts: Dispatcher.DispatcherComposeInterceptor = dispatch => (request, handler) =>
  dispatch({ ...request, headersTimeout: 0, bodyTimeout: 0 }, handler);

function missing(name: string, message: string): ConfigurationError {
  return new ConfigurationError('Cannot ask the language model', [{ name, message }]);
}
