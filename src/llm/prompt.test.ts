import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NotFoundError } from '../errors/index.ts';
import { definePrompt, type PromptContext, renderPrompt } from './prompt.ts';
import { PromptCatalog } from './prompt-catalog.ts';

const quiz = definePrompt({
  name: 'quiz',
  system: 'You teach {{subject}}.',
  text: 'Write {{count}} questions on {{topic}}, and again: {{topic}}',
});

describe('A prompt', () => {
  it('has the values of its context put in, wherever they are named', () => {
    expect(quiz.placeholders).toEqual(['subject', 'count', 'topic']);
    expect(renderPrompt(quiz, { subject: 'botany', count: 3, topic: 'moss' })).toEqual([
      { role: 'system', content: 'You teach botany.' },
      { role: 'user', content: 'Write 3 questions on moss, and again: moss' },
    ]);
  });

  it('wants a value for each placeholder, and no other', () => {
    const missing: PromptContext = { subject: 'botany', count: 3 };
    expect(() => renderPrompt<string>(quiz, missing)).toThrow(
      'Cannot fill in the prompt "quiz": no value for "topic"; it has these: subject, count, topic',
    );
    const others: PromptContext = { subject: 'botany', count: 3, topic: 'moss', tone: 'dry' };
    expect(() => renderPrompt(quiz, others)).toThrow('"tone" is none of its placeholders');
    const noValue = { subject: 'botany', count: 3, topic: undefined } as never;
    expect(() => renderPrompt(quiz, noValue)).toThrow('"topic" is no text, number or boolean');
    expect(() => renderPrompt(quiz, { subject: 'botany', count: Number.NaN, topic: 'moss' })).toThrow('"count" is no');
  });

  it('without placeholders needs an empty context', () => {
    const greeting = definePrompt({ name: 'greeting', text: 'Say hello' });
    expect(renderPrompt(greeting, {})).toEqual([{ role: 'user', content: 'Say hello' }]);
  });

  it('never looks for placeholders in what was put in, nor for patterns of a replacement', () => {
    const echo = definePrompt({ name: 'echo', text: '<{{said}}|{{other}}>' });
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('{{other}}', '{{said}}', '$&', '$1', '$$', "$'"), (text, trap) => {
        const [message] = renderPrompt(echo, { said: text + trap, other: trap });
        expect(message?.content).toBe(`<${text}${trap}|${trap}>`);
      }),
    );
  });

  it('takes names from objects only that are their own', () => {
    const trap = definePrompt({ name: 'trap', text: '{{constructor}} {{toString}}' });
    expect(() => renderPrompt(trap, {} as never)).toThrow('no value for "constructor", "toString"');
  });

  it.each(['{{}}', '{{ topic }}', '{{topic', '{{1st}}', '{{a b}}', 'x {{{{a}}}} y'])(
    'is refused with %j in it',
    text => {
      expect(() => definePrompt({ name: 'broken', text })).toThrow('expected a name between double braces');
    },
  );

  it.each(['', 'Quiz', 'two words', '-x', 'a'.repeat(65)])('cannot be called %j', name => {
    expect(() => definePrompt({ name, text: 'x' })).toThrow('small letters, digits, dots and dashes');
  });

  it('is refused without words, with a version that counts nothing, and with an example of another shape', () => {
    expect(() => definePrompt({ name: 'empty', text: ' ' })).toThrow('it has no text');
    expect(() => definePrompt({ name: 'zero', text: 'x', version: 0 })).toThrow('version');
    const output = z.object({ count: z.number() });
    expect(() => definePrompt({ name: 'x', text: 'x', output, example: { count: 'three' } as never })).toThrow(
      'Cannot use the example of the prompt "x"',
    );
  });

  it('is refused with a parameter that no provider can use', () => {
    expect(() => definePrompt({ name: 'cold', text: 'x', parameters: { temperature: -5 } })).toThrow(
      'Cannot use temperature: expected 0 to 2, got -5',
    );
  });

  it('tells the model the shape as it is written, before defaults are filled in', () => {
    const output = z.object({ title: z.string(), tags: z.array(z.string()).default([]) });
    const { format } = definePrompt({ name: 'shaped', text: 'x', output });
    expect(format).toMatchObject({ name: 'shaped', schema: { type: 'object', required: ['title'] } });
    expect(quiz.format).toBeUndefined();
  });

  it('is refused with a shape that JSON does not have, when it is defined and not when it is asked', () => {
    const output = z.object({ when: z.date() });
    expect(() => definePrompt({ name: 'dated', text: 'x', output })).toThrow(
      'Cannot use the output of the prompt "dated": expected a shape of JSON',
    );
  });

  it('has the fingerprint of its words alone', () => {
    const { text, system } = quiz;
    expect(definePrompt({ name: 'other', version: 7, text, system: system as string }).fingerprint).toBe(
      quiz.fingerprint,
    );
    expect(definePrompt({ name: 'quiz', text: `${text}!`, system: system as string }).fingerprint).not.toBe(
      quiz.fingerprint,
    );
  });
});

describe('PromptCatalog', () => {
  const words = (version: number, text = `Words ${version}`) => definePrompt({ name: 'words', text, version });

  it('finds a prompt by its name, the newest version unless one is named', () => {
    const catalog = new PromptCatalog();
    const [first, second] = [catalog.add(words(1)), catalog.add(words(2))];
    catalog.add(quiz);
    expect(catalog.get('words')).toBe(second);
    expect(catalog.get('words', 1)).toBe(first);
    expect(catalog.list()).toEqual([quiz, second, first]);
  });

  it('says what it does not have', () => {
    const catalog = new PromptCatalog();
    catalog.add(quiz);
    expect(() => catalog.get('words')).toThrow(new NotFoundError('Prompt', 'words'));
    expect(() => catalog.get('quiz', 9)).toThrow(new NotFoundError('Prompt', 'quiz 9'));
  });

  it('keeps a version from changing its words', () => {
    const catalog = new PromptCatalog();
    catalog.add(words(1));
    catalog.add(words(1));
    expect(() => catalog.add(words(1, 'Other words'))).toThrow('Give the new words a new version');
  });
});
