import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LLMock } from '@copilotkit/aimock';
import { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Secret, systemClock } from '../../kernel/index.ts';
import { llmProviderContract } from '../../testing/index.ts';
import { LlmClient } from '../llm-client.ts';
import type { LlmProvider, ModelRequest } from '../llm-provider.ts';
import { definePrompt } from '../prompt.ts';
import { azureOpenAIProvider, openAIProvider } from './index.ts';

const apiKey = new Secret('sk-planted-key');
const server = new LLMock({ port: 0 });
const dispatcher = new Agent();

const asking = (prompt: string, model = 'gpt-4o'): ModelRequest => ({
  model,
  messages: [{ role: 'user', content: prompt }],
});

/** What the server was asked last. */
const lastRequest = () => {
  const entry = server.getLastRequest();
  const body = entry?.body as {
    readonly messages: readonly { readonly content: string }[];
    readonly [key: string]: unknown;
  };
  return { path: entry?.path, headers: entry?.headers ?? {}, body };
};

const providers = {
  openai: () => openAIProvider({ apiKey, baseUrl: server.url, dispatcher }),
  'openai, with its version in the address': () => openAIProvider({ apiKey, baseUrl: `${server.url}/v1/`, dispatcher }),
  azure: () => azureOpenAIProvider({ apiKey, endpoint: server.url, dispatcher }),
  'azure, by an older version': () =>
    azureOpenAIProvider({ apiKey, endpoint: server.url, apiVersion: '2024-10-21', dispatcher }),
} satisfies Record<string, () => LlmProvider>;

beforeAll(async () => {
  await server.start();
});

afterAll(async () => {
  await dispatcher.close();
  await server.stop();
});

afterEach(() => {
  server.clearFixtures();
  server.clearRequests();
});

describe.each(Object.entries(providers))('%s', (_, make) => {
  it.each(llmProviderContract)('$name', async ({ run }) => {
    server.onMessage('hello', { content: 'Hello, here I am, in a few words' }, { chunkSize: 6 });
    await run({ provider: make(), request: asking('hello') });
  });

  it('is asked with the key, the model and the parameters', async () => {
    server.onMessage('hello', { content: 'Hi' });
    await make().generate({
      ...asking('hello'),
      temperature: 0.5,
      topP: 0.9,
      maxOutputTokens: 7,
      stopSequences: ['END'],
      seed: 4,
    });
    const { body, headers } = lastRequest();
    expect(body).toMatchObject({ temperature: 0.5, top_p: 0.9, max_tokens: 7, stop: ['END'], seed: 4 });
    // The server hides keys in its journal.
    expect(Object.keys(headers)).toEqual(
      expect.arrayContaining([make().name === 'azure' ? 'api-key' : 'authorization']),
    );
  });

  it.each([
    [
      401,
      { code: 'invalid_api_key' },
      { name: 'UpstreamError', retryable: false, message: /answered 401 \(invalid_api_key\): check the key/ },
    ],
    [
      404,
      { code: 'model_not_found' },
      { name: 'UpstreamError', retryable: false, message: /check the model, or the deployment/ },
    ],
    [
      400,
      { code: 'context_length_exceeded' },
      { name: 'UpstreamError', retryable: false, message: /answered 400 \(context_length_exceeded\)/ },
    ],
    [
      429,
      { code: 'rate_limit_exceeded' },
      { name: 'RateLimitError', retryable: true, message: /too many requests or tokens/ },
    ],
    [
      429,
      { code: 'insufficient_quota' },
      { name: 'RateLimitError', retryable: false, message: /the quota of the key is spent/ },
    ],
    [
      500,
      { type: 'server_error' },
      { name: 'UpstreamError', retryable: true, message: /answered 500 \(server_error\)/ },
    ],
    [503, {}, { name: 'UpstreamError', retryable: true, message: /answered 503/ }],
  ])('says what %i %j means, and repeats no word of the prompt or the key', async (status, error, expected) => {
    const message = 'Incorrect key sk-planted-key for "planted words"';
    server.on({}, { error: { message, ...error }, status });
    const failure: Error = await make()
      .generate(asking('planted words'))
      .catch(reason => reason);
    expect({ name: failure.name, retryable: 'retryable' in failure && failure.retryable }).toEqual({
      name: expected.name,
      retryable: expected.retryable,
    });
    expect(failure.message).toMatch(expected.message);
    expect(JSON.stringify([failure, failure.message])).not.toContain('planted');
    await expect(async () => {
      for await (const _ of make().stream(asking('planted words')));
    }).rejects.toThrow(failure.message);
  });
});

describe('A provider of the SDK', () => {
  const provider = () => providers.openai();

  it('waits as long as the server says', async () => {
    server.on({}, { error: { message: 'slow down' }, status: 429, retryAfter: 7 } as never);
    await expect(provider().generate(asking('hello'))).rejects.toMatchObject({ retryAfterMs: 7_000 });
  });

  it('says that a server that is not there cannot be reached', async () => {
    const gone = new LLMock({ port: 0 });
    await gone.start();
    const baseUrl = gone.url;
    await gone.stop();
    const nobody = openAIProvider({ apiKey, baseUrl, dispatcher });
    await expect(nobody.generate(asking('hello'))).rejects.toMatchObject({
      name: 'NetworkError',
      message: 'openai could not be reached (ECONNREFUSED)',
    });
  });

  it('says that a stream was cut, not that it is complete', async () => {
    server.onMessage(
      'story',
      { content: 'Once upon a time there was a service' },
      { chunkSize: 5, truncateAfterChunks: 3 },
    );
    const words: string[] = [];
    await expect(async () => {
      for await (const part of provider().stream(asking('story'))) if (part.type === 'text') words.push(part.text);
    }).rejects.toMatchObject({ name: 'NetworkError' });
    expect(words.join('')).not.toContain('service');
  });

  it('says that a stream was cut that a proxy between has ended politely', async () => {
    const chunk = JSON.stringify({
      id: '1',
      model: 'gpt-4o',
      choices: [{ index: 0, delta: { content: 'Once upon' } }],
    });
    const proxy = createServer((_, answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${chunk}\n\n`);
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const words: string[] = [];
    await expect(async () => {
      const parts = openAIProvider({ apiKey, baseUrl, dispatcher }).stream(asking('story'));
      for await (const part of parts) if (part.type === 'text') words.push(part.text);
    }).rejects.toThrow('The answer was cut before its end');
    expect(words).toEqual(['Once upon']);
    proxy.closeAllConnections();
    proxy.close();
  });

  it('says that what it got is no answer of a language model', async () => {
    server.on({}, { json: { hello: 'world' } } as never);
    await expect(provider().generate(asking('hello'))).rejects.toMatchObject({
      name: 'UpstreamError',
      retryable: true,
    });
  });

  it('ends a request whose answer is not wanted any more', async () => {
    server.onMessage('slow', { content: 'Too late' }, { latency: 60_000 });
    const ending = new AbortController();
    const asked = provider().generate(asking('slow'), { signal: ending.signal });
    while (server.getRequests().length === 0 && dispatcher.stats[server.url]?.running !== 1) await systemClock.sleep(1);
    ending.abort(new Error('no longer'));
    await expect(asked).rejects.toThrow('no longer');
  });

  it('tells the model the shape of its answer: by a schema, or those that take none in words', async () => {
    server.on({}, { content: '{"count":3}' });
    const count = definePrompt({ name: 'count', text: 'Count', output: z.object({ count: z.number() }) });
    for (const model of ['gpt-4o', 'gpt-4', 'gpt-4-turbo', 'gpt-3.5-turbo', 'gpt-4.1', 'o3']) {
      const { output } = await new LlmClient({ provider: provider(), model }).executePrompt(count, {});
      expect(output).toEqual({ count: 3 });
      const { body } = lastRequest();
      if (['gpt-4', 'gpt-4-turbo', 'gpt-3.5-turbo'].includes(model)) {
        expect(body).not.toHaveProperty('response_format');
        expect(body.messages[0]?.content).toMatch(/^Answer with JSON alone[\s\S]*"count"/);
      } else {
        expect(body).toMatchObject({
          response_format: { type: 'json_schema', json_schema: { name: 'count', strict: false } },
        });
        expect(body.messages).toHaveLength(1);
      }
    }
  });

  it('passes on what the provider did not do', async () => {
    server.onMessage('hello', { content: 'Hi' });
    const { warnings } = await provider().generate({ ...asking('hello', 'o3'), temperature: 0.5 });
    expect(warnings?.join()).toContain('temperature');
  });

  it.each([
    [() => openAIProvider({ apiKey: new Secret(' ') }), 'expected a key, got an empty one'],
    [() => openAIProvider({ apiKey, baseUrl: 'nonsense' }), 'Cannot use baseUrl'],
    [() => openAIProvider({ apiKey, baseUrl: 'https://user:sk-planted@host' }), 'without a password'],
    [() => azureOpenAIProvider({ apiKey, endpoint: 'ftp://host' }), 'Cannot use endpoint'],
  ])('is refused when it cannot work', (make, message) => {
    expect(make).toThrow(message);
    expect(make).not.toThrow('sk-planted');
  });
});
