import type { RuleBook } from '../house/offence.ts';

/** The rules of the layers. */
export const layerRules = {
  'unknown-room': 'every file of the toolkit lives in a room of the floors table',
  floor: 'an import only goes down, never sideways or up, types included',
  door: 'another room is entered only through its door',
  'own-door': 'a room does not go out and in again through its own door',
  'relative-inside': 'the toolkit does not know its own public name',
  'public-name': 'outside src/ the toolkit and the connectors are known by their public names only',
  area: 'each area reaches only the areas below it; the console talks HTTP only',
  'test-import': 'nothing that ships depends on a test',
  'computed-import': 'an import that is computed cannot be checked',
  cycle: 'files do not depend on each other in a circle',
  'feature-cycle': 'features of the service do not depend on each other in a circle',
  'door-content': 'a door contains re-exports with explicit names and nothing else',
  'door-size': 'a door stays small enough to be read at a glance',
  're-export': 'only doors re-export, so that every name has one way in',
  'exports-entry': 'the doors and the exports of package.json are the same list',
  'empty-name': 'folders and files are named after what is inside',
  'file-name': 'files are named in kebab-case',
} as const satisfies RuleBook;

/** The id of a rule of the layers. */
export type LayerRule = keyof typeof layerRules;
