import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';
import { DatabaseManager, type DatabaseManagerOptions } from './index.ts';

describe('options of DatabaseManager', () => {
  it('takes undefined for the default', () => {
    const names = ['url', 'directory', 'poolSize', 'maxOverflow', 'acquireTimeoutMs', 'slowQueryMs', 'clock', 'random'];
    const options = Object.fromEntries(names.map(name => [name, undefined]));
    expect(new DatabaseManager(options)).toMatchObject({ engine: 'embedded', state: 'new' });
    expect(new DatabaseManager({ url: new Secret('postgres://u:p@localhost/x') }).engine).toBe('postgresql');
  });

  it.each([
    [{ poolSize: 0 }, 'Cannot use 0 as poolSize: expected a whole number of at least 1'],
    [{ maxOverflow: -1 }, 'Cannot use -1 as maxOverflow'],
    [{ acquireTimeoutMs: Number.NaN }, 'Cannot use NaN as acquireTimeoutMs: expected milliseconds'],
    [{ connectDeadlineMs: 0 }, 'Cannot use 0 as connectDeadlineMs'],
    [{ directory: '' }, 'The directory is empty'],
    [{ url: 'sqlite:///test.db' }, 'Cannot use an address that begins with sqlite:// as url'],
    [{ url: 'postgresql+asyncpg://u:p@h/db' }, 'Cannot use an address that begins with postgresql+asyncpg:// as url'],
    [{ url: 'localhost' }, 'Cannot use an address without a scheme as url'],
    [{ prePingAfterMs: -1 }, 'Cannot use -1 as prePingAfterMs'],
    [{ maxTransactionAttempts: 0 }, 'Cannot use 0 as maxTransactionAttempts'],
    [{ maxReplicaLagMs: 0 }, 'Cannot use 0 as maxReplicaLagMs'],
    [{ replicas: ['postgres://h/db'] }, 'Cannot use replicas without a url'],
    [{ url: 'postgres://h/db', replicas: ['h'] }, 'Cannot use an address without a scheme as replicas[0]'],
    [{ tls: {} }, 'Cannot use tls without a url'],
    [{ url: 'postgres://h/db?sslmode=prefer' }, 'Cannot use sslmode "prefer" of url: expected disable, no-verify'],
    [{ url: 'postgres://h/db?sslmode=disable', tls: {} }, 'Cannot use tls with an url that says sslmode=disable'],
    [{ url: 'postgres://h/db', tls: { cert: 'x' } }, 'Cannot use a tls certificate without its key'],
  ] satisfies [DatabaseManagerOptions, string][])('refuses %j', (options, message) => {
    expect(() => new DatabaseManager(options)).toThrow(ArgumentError);
    expect(() => new DatabaseManager(options)).toThrow(message);
  });

  it('does not show the password of an address that it cannot read', () => {
    expect(() => new DatabaseManager({ url: 'postgresql://user:hunter2@host:port/db' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
    );
  });
});
