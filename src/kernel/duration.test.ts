import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../errors/index.ts';
import { formatDuration, parseDuration } from './index.ts';

describe('parseDuration', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['30d', 2_592_000_000],
    ['1h30m', 5_400_000],
    ['1m500ms', 60_500],
    ['1.5s', 1_500],
    ['0s', 0],
    ['  10s  ', 10_000],
  ])('reads %j as %d ms', (text, expectedMs) => {
    expect(parseDuration(text)).toBe(expectedMs);
  });

  it.each([
    '',
    ' ',
    '5',
    's',
    '-5s',
    '+5s',
    '5 s',
    '1h 30m',
    '5x',
    '5S',
    '1e3s',
    '.5s',
    '5.s',
    '1.2.3s',
    '5s5',
    's5',
    '0x10s',
    '1_000ms',
    '1,5s',
    'Infinity',
    'NaN',
    'Infinitys',
    '٣s',
    '5s\n5s',
    'null',
    '99999999999999999999d',
    `${'9'.repeat(400)}d`,
  ])('refuses %j and quotes it', text => {
    expect(() => parseDuration(text)).toThrow(ArgumentError);
    expect(() => parseDuration(text)).toThrow(`"${text}"`);
  });

  it('knows no rounding errors of binary fractions', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(999), (seconds, thousandths) => {
        const text = `${seconds}.${String(thousandths).padStart(3, '0')}s`;
        expect(parseDuration(text)).toBe(seconds * 1_000 + thousandths);
      }),
    );
  });

  it('refuses a long wrong text in linear time', () => {
    expect(() => parseDuration(`${'1m1s'.repeat(50_000)}!`)).toThrow(ArgumentError);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [0.25, '0.25ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [1_500, '1s500ms'],
    [90_000, '1m30s'],
    [86_400_000, '1d'],
    [90_061_001, '1d1h1m1s1ms'],
    [-5_000, '-5s'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NaN, 'NaN'],
  ])('writes %d as %s', (durationMs, expected) => {
    expect(formatDuration(durationMs)).toBe(expected);
  });

  it('writes what parseDuration reads back, for every whole number of milliseconds', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), durationMs => {
        expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
      }),
      { numRuns: 1_000 },
    );
  });
});
