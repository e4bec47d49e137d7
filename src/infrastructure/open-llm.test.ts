import { Agent } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/index.ts';
import { Secret, systemClock } from '../kernel/index.ts';
import { type AiSettings, loadSettings, type Settings } from '../settings/index.ts';
import { defaultLlmProvider, makeLlmProvider } from './open-llm.ts';

const parts = { dispatcher: new Agent(), clock: systemClock };

const settingsOf = (ai: Partial<AiSettings>, environment: Settings['environment'] = 'test'): Settings => {
  const loaded = loadSettings({ environment: {}, envFile: false, yamlFile: false });
  return { ...loaded, environment, ai: { ...loaded.ai, ...ai } };
};

const apiKey = new Secret('sk-1');

afterAll(() => parts.dispatcher.close());

describe('defaultLlmProvider()', () => {
  it.each([
    ['development', undefined, 'openai', 'offline'],
    ['test', undefined, 'azure', 'offline'],
    ['production', undefined, 'openai', 'openai'],
    ['production', apiKey, 'azure', 'azure'],
    ['development', apiKey, 'openai', 'openai'],
    ['production', undefined, 'offline', 'offline'],
  ] as const)('in %s with the key %s and the provider %s is %s', (environment, key, provider, expected) => {
    expect(defaultLlmProvider(settingsOf({ apiKey: key, provider }, environment))).toBe(expected);
  });
});

describe('makeLlmProvider()', () => {
  it('makes what the settings describe', () => {
    const settings = settingsOf({ apiKey, azureEndpoint: 'https://x.openai.azure.com' });
    for (const name of ['offline', 'openai', 'azure'] as const) {
      expect(makeLlmProvider(name, settings, parts).name).toBe(name);
    }
  });

  it('says which setting is missing, and makes nothing up instead', () => {
    for (const name of ['openai', 'azure'] as const) {
      expect(() => makeLlmProvider(name, settingsOf({}), parts)).toThrow(
        new ConfigurationError('Cannot ask the language model', [
          { name: 'OPENAI_API_KEY', message: 'LLM API key not configured' },
        ]),
      );
    }
    expect(() => makeLlmProvider('azure', settingsOf({ apiKey }), parts)).toThrow('AZURE_OPENAI_ENDPOINT');
  });
});
