import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NotFoundError } from '../errors/index.ts';
import { ItemIds, toErrorRecord } from './checkpoint.ts';
import { MemoryCheckpoint } from './index.ts';

describe('ItemIds', () => {
  it('names places as people would', () => {
    const ids = new ItemIds();
    expect(['a', 'b', 'a', 'a'].map(key => ids.next(key))).toEqual(['a', 'b', 'a#2', 'a#3']);
  });

  it('never names two places alike, whatever the keys look like', () => {
    const key = fc.oneof(fc.constantFrom('a', 'a#1', 'a#2', 'a#2#1', '#1', ''), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(key, { maxLength: 20 }), keys => {
        const ids = new ItemIds();
        expect(new Set(keys.map(each => ids.next(each))).size).toBe(keys.length);
      }),
    );
  });
});

describe('toErrorRecord()', () => {
  it('keeps what is a fact, of errors of any kind', () => {
    expect(toErrorRecord(new NotFoundError('Drug', 7))).toEqual({
      name: 'NotFoundError',
      code: 'NOT_FOUND',
      message: 'Drug not found',
      retryable: false,
      details: { resource_type: 'Drug', resource_id: '7' },
    });
    expect(toErrorRecord(new TypeError('no'))).toMatchObject({ name: 'TypeError', message: 'no', retryable: false });
    const reset = Object.assign(new TypeError('gone'), { code: 'ECONNRESET' });
    expect(toErrorRecord(reset)).toMatchObject({ code: 'ECONNRESET', retryable: false });
    expect(toErrorRecord('text')).toMatchObject({ name: 'string', message: 'text' });
    expect(toErrorRecord(Object.create(null))).toMatchObject({ message: 'Something without a text' });
  });

  it('leaves out details that cannot be written', () => {
    const record = toErrorRecord(new NotFoundError('Drug', 7, { details: { size: 1n } }));
    expect(record).not.toHaveProperty('details');
    expect(JSON.stringify(record)).toContain('NOT_FOUND');
  });
});

describe('MemoryCheckpoint', () => {
  it.each(['', undefined])('refuses the job %j', job => {
    expect(() => new MemoryCheckpoint({ job: job as string })).toThrow(
      expect.objectContaining({ argument: 'job', message: expect.stringContaining('expected a text') }),
    );
  });
});
