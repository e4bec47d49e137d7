import { ValidationError } from 'plinth/errors';

const numerals = ['0', 'I', 'II', 'III', 'IV'] as const;

/**
 * One spelling for a stage: `stage_iv`, `Stage IV`, `iv` and `4` are `IV`, `stage 3b` is `IIIB`, `limited_stage` is `limited`.
 *
 * @throws {ValidationError} for a number that is no stage, and for what is neither number nor words
 */
export function parseStage(text: string | number): string {
  const words = String(text)
    .toLowerCase()
    .replaceAll(/(?<=\w)[\s_-]+(?=\w)/g, ' ')
    .replaceAll('_', ' ');
  const stage = words
    .replaceAll(/\bstages?\b/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim();
  const [, number = '', part = ''] = /^(0|[1-4]|i{1,3}|iv) ?([a-d]?[1-3]?)$/.exec(stage) ?? [];
  // "i1" and "41" are no parts of a stage: a digit comes after a letter.
  if (number !== '' && !/^\d/.test(part)) return `${romanOf(number)}${part.toUpperCase()}`;
  const isNumeral = /^[ivx]+$/.test(stage);
  if (stage.length <= 60 && /^[a-z][a-z ]+$/.test(stage) && !isNumeral) return stage;
  const message = `Expected a stage such as IV, stage_iiib, 2 or limited, got "${String(text).slice(0, 60)}"`;
  throw new ValidationError(message, { stage: message });
}

/**
 * Whether what is said of some stages holds for the one that is asked for: for itself, for the whole that it is a part of
 * (`IV` for `IVA`), and for `any`. What is said of a part holds not for the whole.
 */
export function concernsStage(stages: readonly string[], asked: string): boolean {
  return stages.some(stage => stage === 'any' || stage === asked || isPartOf(asked, stage));
}

function isPartOf(part: string, whole: string): boolean {
  const [, base] = /^(0|I{1,3}|IV)[A-D][1-3]?$/.exec(part) ?? [];
  const [, letter] = /^((?:0|I{1,3}|IV)[A-D])[1-3]$/.exec(part) ?? [];
  return whole === base || whole === letter;
}

function romanOf(number: string): string {
  return numerals[Number(number)] ?? number.toUpperCase();
}
