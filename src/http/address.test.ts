import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BaseAddress } from './address.ts';
import type { HttpRequest } from './http-request.ts';

/** An address as the platform reads it. */
function platformHref(base: string, { path, query = {} }: HttpRequest): string {
  const url = new URL(`${new URL(base).pathname.replace(/\/$/, '')}${path}`, base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.append(name, String(value));
  }
  return url.href;
}

const segment = fc.oneof(
  fc.constantFrom('', '.', '..', 'a', 'v1.2', 'x;y', '%2e', "it's", 'a b', 'é', '(1)', '~me', '.hidden', 'a|b', '^'),
  fc.string({ unit: 'grapheme-ascii', maxLength: 6 }).map(text => text.replace(/[/\\?#\t\n\r]/g, '')),
);
const paths = fc.array(segment, { maxLength: 5 }).map(segments => `/${segments.join('/')}`);
const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.integer(), fc.boolean(), fc.constant(undefined));
const queries = fc.dictionary(fc.string({ maxLength: 5 }), value, { maxKeys: 4 });

describe('an address', () => {
  it.each(['https://example.org', 'https://example.org/v1', 'http://example.org:8080/a/b/'])(
    'below %s is the one that the platform would read',
    base => {
      fc.assert(
        fc.property(paths, fc.option(queries, { nil: undefined }), (path, query) => {
          const prefix = new URL(base).pathname.replace(/\/$/, '');
          fc.pre(URL.canParse(`${prefix}${path}`, base));
          const expected = new URL(platformHref(base, { path, query }));
          fc.pre(expected.origin === new URL(base).origin && expected.pathname.startsWith(`${prefix}/`));
          const { href, path: sent } = new BaseAddress(new URL(base)).addressOf({ path, query });
          expect(href).toBe(expected.href);
          expect(sent).toBe(`${expected.pathname}${expected.search}`);
        }),
        { numRuns: 2_000 },
      );
    },
  );
});
