import { KeyvCacheStore } from 'plinth/cache/keyv';
import * as vitest from 'vitest';
import { serverOrSkip } from '../servers/require.ts';
import { published, publishedOrSkip } from './published.ts';
import { makeSubject, type SuiteSubject, subjectKinds } from './subjects.ts';

type Checks = (runner: unknown, keyv: unknown, store: () => KeyvCacheStore) => void;

interface KeyvSuite {
  readonly keyvApiTests: Checks;
  readonly keyvValueTests: Checks;
  readonly keyvNamespaceTest: Checks;
  readonly keyvIteratorTests: Checks;
}

const isInstalled = publishedOrSkip('@keyv/test-suite');
const hasRedis = serverOrSkip('redis-server') !== undefined;

const { afterAll, beforeAll, describe, it } = vitest;

describe.each(subjectKinds)('the suite of Keyv on a $kind cache', ({ kind, needsRedis }) => {
  if (!isInstalled || (needsRedis && !hasRedis)) {
    it.skip('is not run: see what was skipped above', () => {});
    return;
  }
  const { keyvApiTests, keyvValueTests, keyvNamespaceTest, keyvIteratorTests } =
    published<KeyvSuite>('@keyv/test-suite');
  const { Keyv } = published<{ readonly Keyv: unknown }>('keyv');
  let subject: SuiteSubject;
  beforeAll(async () => {
    subject = await makeSubject(kind);
  });
  afterAll(async () => subject?.close());
  const store = (): KeyvCacheStore => new KeyvCacheStore(subject.cache);

  describe('interface', () => keyvApiTests(vitest, Keyv, store));
  describe('values', () => keyvValueTests(vitest, Keyv, store));
  describe('namespaces', () => keyvNamespaceTest(vitest, Keyv, store));
  describe('iterator', () => keyvIteratorTests(vitest, Keyv, store));
});
