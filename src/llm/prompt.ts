import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ArgumentError } from '../errors/index.ts';
import { requireInteger } from '../kernel/index.ts';
import type { AnswerFormat, Message, ModelParameters } from './llm-provider.ts';
import { requireParameters } from './model-parameters.ts';

/** The names between double braces in a text. Of a text that is not known to the compiler, any name. */
export type Placeholders<Text extends string> = string extends Text
  ? string
  : Text extends `${string}{{${infer Name}}}${infer Rest}`
    ? Name | Placeholders<Rest>
    : never;

/** What may be put into a prompt. */
export type PromptValue = string | number | boolean;

/** A value for every placeholder of a prompt. */
export type PromptContext<Name extends string = string> = Readonly<Record<Name, PromptValue>>;

/** Who may be given a remembered answer: the user whose request it was made for, or everybody. */
export type AnswerSharing = 'user' | 'everyone';

/** What a prompt is made of, whatever its answer is. */
export interface TextPromptOptions<Text extends string, System extends string> {
  /** Small letters, digits, dots and dashes. From a closed set: it becomes a metric label. */
  readonly name: string;
  /** What is asked, with `{{placeholders}}`. */
  readonly text: Text;
  /** What the model is told about its task before, with `{{placeholders}}`. @default none */
  readonly system?: System | undefined;
  /** Counts up with every change of the words. @default 1 */
  readonly version?: number | undefined;
  /** The model or deployment that it was written for. @default that of the client */
  readonly model?: string | undefined;
  /** @default those of the provider */
  readonly parameters?: ModelParameters | undefined;
  /**
   * Whether an answer is remembered and given again to the same words, and to whom. For `user`, what has no user in its
   * request context is not remembered. @default not at all
   */
  readonly cache?: AnswerSharing | undefined;
  /** How an answer looks; the offline provider answers with it. @default none */
  readonly example?: string | undefined;
}

/** What a prompt is made of whose answer has a shape. */
export interface ShapedPromptOptions<Text extends string, System extends string, Output>
  extends Omit<TextPromptOptions<Text, System>, 'example'> {
  /** The shape of the answer: the model is told it, and what it answers is checked. */
  readonly output: z.ZodType<Output>;
  /** How an answer looks; the offline provider answers with it. @default none */
  readonly example?: NoInfer<Output> | undefined;
}

/** A text with placeholders that is put to a language model. Plain data, made by {@link definePrompt}. */
export interface Prompt<Name extends string = string, Output = string> {
  readonly name: string;
  readonly version: number;
  readonly text: string;
  readonly system: string | undefined;
  /** The names of its placeholders, in the order of their first use. */
  readonly placeholders: readonly Name[];
  readonly model: string | undefined;
  readonly parameters: ModelParameters;
  readonly cache: AnswerSharing | undefined;
  readonly output: z.ZodType<Output> | undefined;
  /** What the model is told of that shape. */
  readonly format: AnswerFormat | undefined;
  /** How an answer looks, as text. */
  readonly example: string | undefined;
  /** SHA-256 of its words, in hex: the same words have the same fingerprint wherever they were defined. */
  readonly fingerprint: string;
}

/**
 * Defines a prompt. Its context is checked by the compiler: every `{{placeholder}}` needs a value.
 *
 * Values are put in as they are, and are not searched for placeholders again. What users wrote stays what users wrote: a
 * model may follow instructions in it, so never let an answer decide what somebody may do.
 *
 * @throws {ArgumentError} when the name, a placeholder, a parameter, the shape or the example cannot be used.
 * @example
 * const headlines = definePrompt({
 *   name: 'headlines',
 *   text: 'Write {{count}} headlines for: {{product}}',
 *   output: z.object({ headlines: z.array(z.string()) }),
 * });
 * const { output } = await llm.executePrompt(headlines, { count: 3, product: 'a quiet fan' });
 */
export function definePrompt<const Text extends string, const System extends string = never, Output = unknown>(
  options: ShapedPromptOptions<Text, System, Output>,
): Prompt<Placeholders<Text> | Placeholders<System>, Output>;
export function definePrompt<const Text extends string, const System extends string = never>(
  options: TextPromptOptions<Text, System>,
): Prompt<Placeholders<Text> | Placeholders<System>>;
export function definePrompt(
  options: TextPromptOptions<string, string> | ShapedPromptOptions<string, string, unknown>,
): Prompt<string, unknown> {
  const { name, text, system, version = 1, parameters = {} } = options;
  if (!/^[a-z][a-z0-9.-]{0,63}$/.test(name)) {
    throw new ArgumentError(
      `Cannot use the prompt name ${JSON.stringify(name)}: expected at most 64 small letters, digits, dots and dashes`,
      'name',
    );
  }
  if (text.trim() === '') throw new ArgumentError(`Cannot use the prompt "${name}": it has no text`, 'text');
  requireInteger('version', version, 1, Number.MAX_SAFE_INTEGER);
  requireParameters(parameters);
  const output = 'output' in options ? options.output : undefined;
  return Object.freeze({
    name,
    version,
    text,
    system,
    placeholders: Object.freeze([...new Set([...placeholdersOf(name, system ?? ''), ...placeholdersOf(name, text)])]),
    model: options.model,
    parameters: Object.freeze({ ...parameters }),
    cache: options.cache,
    output,
    format: output === undefined ? undefined : formatOf(name, output),
    example: exampleOf(name, output, options.example),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([system ?? null, text]))
      .digest('hex'),
  });
}

/**
 * The messages of a prompt with its context put in.
 *
 * @throws {ArgumentError} when a placeholder has no value, or a value no placeholder.
 */
export function renderPrompt<Name extends string>(
  prompt: Pick<Prompt<Name, unknown>, 'name' | 'system' | 'text' | 'placeholders'>,
  context: PromptContext<NoInfer<Name>>,
): readonly Message[] {
  const { name, system, text, placeholders } = prompt;
  const known: ReadonlySet<string> = new Set(placeholders);
  for (const [key, value] of Object.entries(context)) {
    if (!known.has(key)) throw contextError(name, `"${key}" is none of its placeholders`, placeholders);
    if (!isPromptValue(value)) throw contextError(name, `"${key}" is no text, number or boolean`, placeholders);
  }
  const values = new Map<string, unknown>(Object.entries(context));
  const missing = placeholders.filter(key => !values.has(key));
  if (missing.length > 0) throw contextError(name, `no value for "${missing.join('", "')}"`, placeholders);
  const fill = (template: string): string => template.replace(placeholder, (_, key: string) => String(values.get(key)));
  const user: Message = { role: 'user', content: fill(text) };
  return system === undefined ? [user] : [{ role: 'system', content: fill(system) }, user];
}

const placeholder = /\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}/g;

function placeholdersOf(name: string, template: string): readonly string[] {
  const rest = template.replace(placeholder, '');
  const at = rest.indexOf('{{');
  if (at >= 0) {
    throw new ArgumentError(
      `Cannot use the prompt "${name}": expected a name between double braces, as {{topic}}, got "${rest.slice(at, at + 30)}"`,
      'text',
    );
  }
  return Array.from(template.matchAll(placeholder), ([, key]) => key as string);
}

function isPromptValue(value: unknown): value is PromptValue {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function contextError(name: string, problem: string, placeholders: readonly string[]): ArgumentError {
  const expected = placeholders.length === 0 ? 'none' : placeholders.join(', ');
  return new ArgumentError(`Cannot fill in the prompt "${name}": ${problem}; it has these: ${expected}`, 'context');
}

/** As the model writes it: before defaults are filled in and values are changed. */
function formatOf(name: string, output: z.ZodType): AnswerFormat {
  try {
    return Object.freeze({ name, schema: z.toJSONSchema(output, { io: 'input' }) });
  } catch (cause) {
    throw new ArgumentError(
      `Cannot use the output of the prompt "${name}": expected a shape of JSON, which has no dates, maps, sets or functions`,
      'output',
      { cause },
    );
  }
}

/** An example that does not fit would make every offline answer a failure. A shape that needs time says so only then. */
function exampleOf(name: string, output: z.ZodType | undefined, example: unknown): string | undefined {
  if (example === undefined) return undefined;
  if (output === undefined) return String(example);
  const problem = problemOf(output, example);
  if (problem === undefined) return JSON.stringify(example);
  throw new ArgumentError(
    `Cannot use the example of the prompt "${name}": ${z.prettifyError(problem).replaceAll('\n', ' ')}`,
    'example',
  );
}

function problemOf(output: z.ZodType, example: unknown): z.ZodError | undefined {
  try {
    return output.safeParse(example).error;
  } catch (error) {
    if (error instanceof z.core.$ZodAsyncError) return undefined;
    throw error;
  }
}
