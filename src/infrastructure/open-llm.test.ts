import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, fetch } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/index.ts';
import { ConnectionPool } from '../http/index.ts';
import { Secret, systemClock } from '../kernel/index.ts';
import { type AiSettings, loadSettings, type Settings } from '../settings/index.ts';
import { defaultLlmProvider, makeLlmProvider } from './open-llm.ts';

const parts = { dispatcher: new Agent(), clock: systemClock };

const settingsOf = (ai: Partial<AiSettings>, environment: Settings['environment'] = 'test'): Settings => {
  const loaded = loadSettings({ environment: {}, envFile: false, yamlFile: false });
  return { ...loaded, environment, ai: { ...loaded.ai, ...ai } };
};

const apiKey = new Secret('sk-1');

const completion = JSON.stringify({
  id: 'one',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

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

  it('says which names there are, whatever else is missing', () => {
    for (const settings of [settingsOf({}), settingsOf({ apiKey })]) {
      expect(() => makeLlmProvider('nope' as never, settings, parts)).toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          message: expect.stringMatching(/^Cannot ask the language model "nope": expected openai, azure, offline;/),
        }),
      );
    }
  });

  it('waits for an answer as long as its guard, and not only as long as connections may be silent', async () => {
    const held: ServerResponse[] = [];
    const server = createServer((_, response) => {
      held.push(response);
      server.emit('asked');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using pool = new ConnectionPool({ idleTimeoutMs: 1 });
    const settings = settingsOf({ apiKey, baseUrl: origin });
    const provider = makeLlmProvider('openai', settings, { dispatcher: pool.dispatcher, clock: systemClock });
    const asked = once(server, 'asked');
    const answer = provider.generate({ model: 'gpt-4', messages: [{ role: 'user', content: 'Hello' }] });
    await asked;
    // By the time that others are given up who came later, it would have been, too.
    await expect(fetch(origin, { dispatcher: pool.dispatcher })).rejects.toThrow();
    held[0]?.setHeader('content-type', 'application/json').end(completion);
    expect((await answer).content).toBe('Hi');
    server.closeAllConnections();
    server.close();
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
