import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './index.ts';

const key = new Secret('sk-123');

describe('Secret', () => {
  it('gives its value away only when asked by name', () => {
    expect(key.reveal()).toBe('sk-123');
  });

  it.each<[string, string]>([
    ['a template', `${key}`],
    ['a concatenation', `key: ${String(key)}`],
    ['a join', [key, key].join()],
    ['JSON', JSON.stringify(key)],
    ['JSON of an object', JSON.stringify({ nested: { key }, list: [key] })],
    ['inspection', inspect(key)],
    ['inspection of everything', inspect({ nested: { key } }, { depth: 9, showHidden: true })],
    ['inspection of an array', inspect([[[key]]], { depth: 9 })],
    ['inspection of a Map, as key and value', inspect(new Map([[key, key]]))],
    ['inspection of a Set', inspect(new Set([key]))],
    ['%s', format('%s', key)],
    ['%o', format('%o', key)],
    ['%O', format('%O', { key })],
    ['%j', format('%j', { key })],
  ])('prints as [secret] in %s', (_where, text) => {
    expect(text).toContain('[secret]');
    expect(text).not.toContain('sk-123');
  });

  it('prints as [secret] on the console', () => {
    const stdout = new PassThrough();
    new Console({ stdout }).log('key is', key, { key });
    expect(String(stdout.read())).toBe('key is [secret] { key: [secret] }\n');
  });

  it.each<[string, unknown]>([
    ['own properties', Object.getOwnPropertyNames(key)],
    ['a spread', { ...key }],
    ['a structured clone', structuredClone({ key })],
    ['inspection without its own printer', inspect(key, { customInspect: false, showHidden: true })],
    ['entries', Object.entries(key)],
  ])('is not found in %s', (_where, view) => {
    expect(inspect(view, { depth: 9, showHidden: true, customInspect: false })).not.toContain('sk-123');
  });
});
