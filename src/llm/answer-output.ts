import type { z } from 'zod';
import { ModelAnswerError } from './errors.ts';
import type { ModelAnswer } from './llm-provider.ts';

/** How many fields that do not fit are named in an error. */
const maxNamedFields = 5;

/**
 * Reads an answer as JSON of a shape, which may take its time to check it.
 *
 * @throws {ModelAnswerError} which names the fields that do not fit, and nothing of what stands in them.
 */
export async function readOutput<Output>(
  prompt: string,
  shape: z.ZodType<Output>,
  answer: ModelAnswer,
): Promise<Output> {
  const { content, finishReason } = answer;
  const refuse = (problem: string): never => {
    const cause = finishReason === 'stop' ? '' : `; ${endings[finishReason]}`;
    throw new ModelAnswerError(`The answer to the prompt "${prompt}" ${problem}${cause}`, {
      details: { finishReason },
    });
  };
  let value: unknown;
  try {
    value = JSON.parse(withoutFence(content.trim()));
  } catch {
    return refuse('is no JSON');
  }
  const { success, data, error } = await shape.safeParseAsync(value);
  if (success) return data;
  const fields = error.issues.map(({ path, code }) => `${path.join('.') || 'the whole'}: ${code}`);
  const more = fields.length > maxNamedFields ? `, and ${fields.length - maxNamedFields} more` : '';
  return refuse(`has another shape than it should (${fields.slice(0, maxNamedFields).join(', ')}${more})`);
}

/** Models that are told the shape in words like to put a fence around it. */
function withoutFence(content: string): string {
  if (content.length < 6 || !content.startsWith('```') || !content.endsWith('```')) return content;
  const fenced = content.slice(3, -3);
  return /^json/i.test(fenced) ? fenced.slice(4) : fenced;
}

const endings = {
  length: 'it was cut at the token limit: allow more with maxOutputTokens',
  'content-filter': "it was held back by the provider's filter",
  other: 'the provider did not say that it is complete',
} as const;
