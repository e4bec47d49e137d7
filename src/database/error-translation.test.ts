import { describe, expect, it } from 'vitest';
import { toDatabaseError } from './error-translation.ts';
import {
  CheckViolationError,
  ConnectionLostError,
  DatabaseTlsError,
  DeadlockError,
  ExclusionViolationError,
  ForeignKeyViolationError,
  InsufficientPrivilegeError,
  InvalidValueError,
  LockNotAvailableError,
  NotNullViolationError,
  QueryError,
  QueryTimeoutError,
  ReadOnlyTransactionError,
  SerializationError,
  TooManyConnectionsError,
  UndefinedObjectError,
  UniqueViolationError,
} from './errors.ts';

const fromServer = (code: string, message = 'the secret value', facts: object = {}): Error =>
  Object.assign(new TypeError(message), { code, severity: 'ERROR', detail: 'Key (email)=(secret)', ...facts });

describe('toDatabaseError()', () => {
  it.each([
    ['23502', NotNullViolationError, false],
    ['23503', ForeignKeyViolationError, false],
    ['23505', UniqueViolationError, false],
    ['23514', CheckViolationError, false],
    ['23P01', ExclusionViolationError, false],
    ['22P02', InvalidValueError, false],
    ['22003', InvalidValueError, false],
    ['22001', InvalidValueError, false],
    ['25006', ReadOnlyTransactionError, false],
    ['42501', InsufficientPrivilegeError, false],
    ['42P01', UndefinedObjectError, false],
    ['42703', UndefinedObjectError, false],
    ['55P03', LockNotAvailableError, true],
    ['53200', QueryError, true],
    ['40001', SerializationError, true],
    ['40P01', DeadlockError, true],
    ['57014', QueryTimeoutError, false],
    ['57P01', ConnectionLostError, true],
    ['53300', TooManyConnectionsError, true],
    ['25P03', ConnectionLostError, true],
    ['28P01', QueryError, false],
    ['XX000', QueryError, false],
  ] as const)('gives %s its class', (code, type, retryable) => {
    const error = toDatabaseError(fromServer(code));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ retryable, sqlState: code });
  });

  it('takes class 08 for a lost connection only when the server has ended it', () => {
    for (const severity of ['FATAL', 'PANIC']) {
      const lost = toDatabaseError(fromServer('08006', undefined, { severity }));
      expect(lost).toBeInstanceOf(ConnectionLostError);
      expect(lost).toMatchObject({ retryable: true, sqlState: '08006' });
    }
    for (const code of ['08P01', '08001']) {
      const refused = toDatabaseError(fromServer(code));
      expect(refused).toBeInstanceOf(QueryError);
      expect(refused).toMatchObject({ retryable: false, sqlState: code });
    }
  });

  it('quotes what is not supported only where the message quotes nothing itself', () => {
    const quoting = ['unit "secret" not supported', 'references are not implemented: secret', 'Einheit „secret“ fehlt'];
    for (const message of quoting)
      expect(toDatabaseError(fromServer('0A000', message)).message).not.toContain('secret');
    const plain = 'cannot alter type of a column used by a view or rule';
    expect(toDatabaseError(fromServer('0A000', plain)).message).toContain(plain);
  });

  it('says what a conflict clause without its index needs', () => {
    const { message } = toDatabaseError(fromServer('42P10'));
    expect(message).toContain('a unique index over exactly the columns that it names, and there is none');
  });

  it('quotes the server only where its messages name no values', () => {
    for (const code of ['22P02', 'P0001', '23000', 'XX000']) {
      const situation = { hasParameters: false };
      expect(toDatabaseError(fromServer(code, undefined, { position: '8' }), situation).message).not.toContain(
        'secret',
      );
    }
    expect(toDatabaseError(fromServer('25001', 'not in a transaction')).message).toContain('not in a transaction');
  });

  it('quotes names only where no parameter can be among them', () => {
    const message = 'unrecognized configuration parameter "secret"';
    for (const code of ['42704', '42883', '42P01', '3F000', '3D000']) {
      expect(toDatabaseError(fromServer(code, message)).message).not.toContain('secret');
      expect(toDatabaseError(fromServer(code, message, { position: '8' })).message).toContain('secret');
      expect(toDatabaseError(fromServer(code, message), { hasParameters: false }).message).toContain('secret');
    }
    expect(toDatabaseError(fromServer('3D000', 'no database "x"', { severity: 'FATAL' })).message).toContain('"x"');
  });

  it('calls a statement repeatable that its connection knew by a name that no longer fits', () => {
    const stale = fromServer('0A000', 'cached plan', { routine: 'RevalidateCachedQuery' });
    const other = fromServer('0A000', 'not supported', { routine: 'CheckSelectLocking' });
    expect(toDatabaseError(stale, { isNamed: true }).retryable).toBe(true);
    expect(toDatabaseError(fromServer('26000'), { isNamed: true }).retryable).toBe(true);
    expect(toDatabaseError(other, { isNamed: true }).retryable).toBe(false);
    expect(toDatabaseError(fromServer('26000')).retryable).toBe(false);
  });

  it('keeps the original where nobody prints it', () => {
    const original = fromServer('23505');
    const error = toDatabaseError(original);
    expect(error).toMatchObject({ original });
    expect(Object.keys(error)).not.toContain('original');
    expect(error.cause).toBeUndefined();
  });

  it('knows lost connections by their system error or by the words of the driver', () => {
    const reset = Object.assign(new TypeError('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
    expect(toDatabaseError(reset)).toMatchObject({ code: 'CONNECTION_LOST', cause: reset, retryable: true });
    expect(toDatabaseError(new TypeError('Connection terminated unexpectedly'))).toBeInstanceOf(ConnectionLostError);
    expect(toDatabaseError(new TypeError('Cannot serialize'))).toBeInstanceOf(QueryError);
  });

  it('knows a way that cannot be encrypted, which waiting does not cure', () => {
    for (const code of [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ]) {
      const error = toDatabaseError(Object.assign(new TypeError('self-signed certificate'), { code }));
      expect(error).toBeInstanceOf(DatabaseTlsError);
      expect(error).toMatchObject({ retryable: false, code: 'DATABASE_TLS' });
    }
    const plain = new TypeError('The server does not support SSL connections');
    expect(toDatabaseError(plain)).toBeInstanceOf(DatabaseTlsError);
  });

  it('does not call a call repeatable whose outcome is unknown', () => {
    const error = toDatabaseError(new TypeError('Connection terminated unexpectedly'), { outcomeUnknown: true });
    expect(error).toMatchObject({ outcomeUnknown: true, retryable: false });
  });

  it('does not call a write repeatable whose engine ended', () => {
    const ended = new ConnectionLostError('The embedded database ended: x');
    expect(toDatabaseError(ended)).toBe(ended);
    expect(toDatabaseError(ended, { outcomeUnknown: true })).toMatchObject({
      message: ended.message,
      cause: ended,
      outcomeUnknown: true,
      retryable: false,
    });
  });

  it('passes errors of ours through', () => {
    const error = new QueryError('x');
    expect(toDatabaseError(error)).toBe(error);
  });
});
