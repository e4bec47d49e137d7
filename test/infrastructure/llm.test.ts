import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { createInfrastructure, type Infrastructure } from 'plinth';
import { systemClock } from 'plinth/kernel';
import { definePrompt } from 'plinth/llm';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const server = new LLMock({ port: 0 });
const clock = new VirtualClock();
let directory: string;
let withKey: Infrastructure;

const create = (environment: Readonly<Record<string, string>>): Promise<Infrastructure> =>
  createInfrastructure({
    clock,
    logging: { console: false },
    settings: {
      envFile: false,
      yamlFile: false,
      environment: { ENVIRONMENT: 'test', DATA_DIR: directory, ...environment },
    },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-llm-'));
  await server.start();
  withKey = await create({ OPENAI_API_KEY: 'sk-planted', OPENAI_BASE_URL: server.url, OPENAI_MODEL: 'gpt-4o' });
});

afterAll(async () => {
  await withKey.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

const words = definePrompt({
  name: 'words',
  text: 'Give {{count}} words for {{thing}}',
  output: z.object({ words: z.array(z.string()) }),
});

describe('The language model of an infrastructure', () => {
  it('is asked through a guard of its own, and its tokens are counted', async () => {
    const usage = { prompt_tokens: 11, completion_tokens: 7 };
    server.onMessage('words for snow', { content: '{"words":["firn","névé"]}', usage });
    const { prompts, dependencies, health, metrics } = withKey;
    const { output, metadata } = await withKey.executePrompt(prompts.add(words), { count: 2, thing: 'snow' });
    expect(output.words).toEqual(['firn', 'névé']);
    expect(metadata).toMatchObject({ provider: 'openai', isOffline: false });
    expect(withKey.llm()).toBe(withKey.llm('openai'));
    expect(dependencies.get('llm-openai')?.guard.dependency).toBe('llm-openai');
    expect(await health.ready()).toMatchObject({ status: 'up', checks: { 'llm-openai': { status: 'up' } } });
    const rendered = (await metrics?.render()) ?? '';
    expect(rendered).toMatch(/plinth_calls_total\{[^}]*dependency="llm-openai"[^}]*operation="words"[^}]*\} 1/);
    expect(rendered).toMatch(/plinth_llm_tokens_total\{[^}]*operation="words"[^}]*direction="prompt"[^}]*\} 11/);
    expect(rendered).toMatch(/plinth_llm_tokens_total\{[^}]*operation="words"[^}]*direction="completion"[^}]*\} 7/);
    expect(rendered).toMatch(/plinth_llm_answers_total\{[^}]*finish_reason="stop"[^}]*\} 1/);
    expect(prompts.list()).toEqual([words]);
    expect(withKey.validateEnvironment()).toMatchObject({ isValid: true, errors: [], database: 'embedded' });
  });

  it('opens its breaker when it keeps failing: then nobody is asked, and readiness is degraded', async () => {
    server.clearFixtures();
    server.on({}, { error: { message: 'down' }, status: 500 });
    const codes: string[] = [];
    while (codes.at(-1) !== 'CIRCUIT_OPEN' && codes.length < 20) {
      let isOver = false;
      const asked = withKey
        .executePrompt(words, { count: 2, thing: 'snow' })
        .catch(error => codes.push(error.code))
        .finally(() => (isOver = true));
      // The waits between attempts are virtual, the answers are not.
      while (!isOver) {
        await clock.advance(20);
        await systemClock.sleep(1);
      }
      await asked;
    }
    expect(codes[0]).toBe('UPSTREAM_ERROR');
    const requests = server.getRequests().length;
    await expect(withKey.llm().generate({ prompt: 'Hello' })).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' });
    expect(server.getRequests()).toHaveLength(requests);
    // What a check said is remembered for a while.
    await clock.advance(10_000);
    expect(await withKey.health.ready()).toMatchObject({
      status: 'degraded',
      checks: { 'llm-openai': { status: 'degraded' } },
    });
  });

  it('is the offline provider as long as there is no key, and every answer says so', async () => {
    directory = await mkdtemp(join(tmpdir(), 'plinth-llm-'));
    await using without = await create({});
    const { content, metadata } = await without.llm().generate({ prompt: 'Hello' });
    expect(content).toMatch(/^\[offline\]/);
    expect(metadata).toMatchObject({ provider: 'offline', isOffline: true });
    expect(without.dependencies.list()).toEqual([]);
    expect(without.validateEnvironment()).toMatchObject({
      isValid: false,
      errors: ['LLM API key not configured'],
    });
    expect(() => without.llm('openai')).toThrow('LLM API key not configured');
  });
});
