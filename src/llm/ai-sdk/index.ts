export { AiSdkProvider, type AiSdkProviderOptions } from './ai-sdk-provider.ts';
export {
  type AzureOpenAIProviderOptions,
  azureOpenAIProvider,
  type OpenAIProviderOptions,
  openAIProvider,
} from './providers.ts';
