import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as door from './index.ts';

it('is all on its page', () => {
  const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
  expect(Object.keys(door).filter(name => !page.includes(`\`${name}`))).toEqual([]);
});
