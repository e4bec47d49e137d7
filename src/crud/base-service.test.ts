import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ArgumentError } from '../errors/index.ts';
import { BaseService } from './base-service.ts';
import { defineTable } from './define-table.ts';
import { Repository } from './repository.ts';

const ads = defineTable({
  name: 'ads',
  schema: z.object({ id: z.int(), userId: z.int() }),
  columns: { id: { key: true } },
  owner: 'userId',
});
type Ads = Repository<typeof ads>;

const database = { db: { executeQuery: async () => ({ rows: [] }) }, readPrepared: async () => [] };
const repository = new Repository(ads, database);

class MailingService extends BaseService<typeof ads> {
  readonly #mailer: { readonly send: () => string };
  readonly times: number;

  constructor(repository: Ads, mailer: { readonly send: () => string }, times = 1) {
    super(repository, mailer, times);
    this.#mailer = mailer;
    this.times = times;
  }

  send(): string {
    return this.#mailer.send().repeat(this.times);
  }
}

/** Keeps what it takes to itself. */
class ForgetfulService extends BaseService<typeof ads> {
  readonly mailer: object;

  constructor(repository: Ads, mailer: object) {
    super(repository);
    this.mailer = mailer;
  }
}

/** Takes the repository elsewhere than first. */
class WrappedService extends BaseService<typeof ads> {
  constructor(parts: { readonly repository: Ads }) {
    super(parts.repository);
  }
}

const steps: readonly (readonly [string, (service: BaseService<typeof ads>) => BaseService<typeof ads>])[] = [
  ['ownedBy', service => service.ownedBy(1)],
  ['forAllOwners', service => service.forAllOwners()],
  ['withSession', service => service.withSession(database)],
];

describe('a service with more than a repository', () => {
  it.each(steps)('takes all its parts along: %s', (_, step) => {
    const derived = step(new MailingService(repository, { send: () => 'sent' }, 2));
    expect(derived).toBeInstanceOf(MailingService);
    expect(derived.repository).not.toBe(repository);
    expect((derived as MailingService).send()).toBe('sentsent');
    expect((derived.withSession(database) as MailingService).send()).toBe('sentsent');
  });

  it.each(steps)('is refused when its class would lose one: %s', (_, step) => {
    for (const service of [new ForgetfulService(repository, {}), new WrappedService({ repository })]) {
      const message = `Class ${service.constructor.name} does not pass on what it takes`;
      expect(() => step(service)).toThrow(ArgumentError);
      expect(() => step(service)).toThrow(message);
    }
  });
});
