/**
 * The floors of the toolkit, ground first. An import only goes down: never sideways or up, type imports included. Rooms
 * that are not written yet have their place already.
 */
export const floors: readonly (readonly string[])[] = [
  ['errors'],
  ['kernel', 'context'],
  ['settings', 'logging', 'resilience', 'redis'],
  ['cache', 'rate-limit', 'database', 'storage', 'auth', 'flags'],
  ['pipeline', 'security'],
  ['http', 'crud'],
  ['llm', 'external-services', 'batch'],
  ['telemetry', 'health', 'steering'],
  ['server'],
  ['infrastructure', 'testing'],
];

/** The floor of a room, or `undefined` for a room that is not in the table. */
export function floorOf(room: string): number | undefined {
  const floor = floors.findIndex(rooms => rooms.includes(room));
  return floor === -1 ? undefined : floor;
}

/** Which areas a file may reach by a relative path. Everything else is reached by its public name, or not at all. */
export const reachableByPath: Readonly<Record<string, readonly string[]>> = {
  src: ['src'],
  connectors: ['connectors'],
  service: ['service'],
  console: ['console'],
  examples: ['examples'],
  bench: ['bench', 'service'],
  docs: ['docs'],
  test: ['test', 'service', 'bench', 'examples', 'tools', 'console'],
  tools: ['tools', 'service'],
};

/** Which areas a file may reach by the public name of the package. */
export const reachableByName: Readonly<Record<string, readonly string[]>> = {
  src: [],
  connectors: ['src'],
  service: ['src', 'connectors'],
  console: [],
  examples: ['src', 'connectors'],
  bench: ['src', 'connectors'],
  docs: ['src', 'connectors'],
  test: ['src', 'connectors'],
  tools: ['src', 'connectors'],
};

/** Names that say nothing about what is inside. */
export const emptyNames: readonly string[] = ['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc'];
