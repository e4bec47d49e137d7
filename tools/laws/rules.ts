import type { RuleBook } from '../house/offence.ts';

/** The laws that a parser can check. */
export const lawRules = {
  'ambient-clock': 'time is an input, so that every test runs on a virtual clock',
  'ambient-timer': 'waiting is an input, so that no test sleeps',
  'ambient-random': 'randomness and ids are inputs, so that every run can be repeated',
  'ambient-environment': 'the environment is read in one room and validated once',
  'ambient-console': 'rooms do not print: they emit events, and logging subscribes',
  'bare-error': 'every error has a code, facts as fields and its cause',
  'module-state': 'what a module keeps is shared by everybody who imports it',
  'import-effect': 'importing does nothing, as "sideEffects": false promises',
  'no-any': 'any switches the type checker off',
  'no-enum': 'only erasable syntax',
  'no-namespace': 'only erasable syntax',
  'no-parameter-property': 'only erasable syntax',
  'no-private': 'what is private stays private at run time',
  'no-default-export': 'a thing has one name everywhere',
  'no-type-suppression': 'a suppressed error hides the next one',
  'no-todo': 'unfinished work belongs into the tracker, not into the code',
  'file-length': 'a file is read in one go: 350 lines of code at most, comments and blank lines not counted',
  'function-length': 'a function fits on a screen: 60 lines of code at most, comments and blank lines not counted',
  'time-unit': 'a number that means time says its unit in its name',
  'forbidden-text': 'nothing in the project knows the machine that it was written on',
} as const satisfies RuleBook;

/** The id of a law. */
export type LawRule = keyof typeof lawRules;
