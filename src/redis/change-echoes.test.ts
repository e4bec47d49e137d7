import { describe, expect, it } from 'vitest';
import { ChangeEchoes } from './change-echoes.ts';

/** The keys of as many echoes, sent at 10, 20, 30 … */
function sent(echoes: ChangeEchoes, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => String(echoes.send((index + 1) * 10).write[1]));
}

describe('ChangeEchoes', () => {
  it('says until when all was heard', () => {
    const echoes = new ChangeEchoes('echo:');
    const [first = '', second = ''] = sent(echoes, 2);
    expect(echoes.heard(first)).toEqual({ heardUntilMs: 10, isGap: false });
    expect(echoes.heard(second)).toEqual({ heardUntilMs: 20, isGap: false });
    expect([echoes.heard(second), echoes.heard('echo:99'), echoes.heard('echo:x'), echoes.heard('other:1')]).toEqual(
      Array(4).fill(undefined),
    );
  });

  it('looks at the key before, so that it has expired by then', () => {
    const echoes = new ChangeEchoes('echo:');
    const { write } = echoes.send(10);
    expect(echoes.send(20).look).toEqual(['GET', write[1]]);
  });

  it('notices that one was not heard, at the next one, however many there were', () => {
    for (const lost of [1, 5, 50]) {
      const echoes = new ChangeEchoes('echo:');
      const last = sent(echoes, lost + 1).at(-1) ?? '';
      expect(echoes.heard(last)).toEqual({ heardUntilMs: (lost + 1) * 10, isGap: true });
      expect(echoes.heard(String(echoes.send(1_000).write[1]))).toEqual({ heardUntilMs: 1_000, isGap: false });
    }
  });

  it('expects nothing of what was sent on an earlier connection', () => {
    const echoes = new ChangeEchoes('echo:');
    const [first = ''] = sent(echoes, 20);
    echoes.reset();
    expect(echoes.heard(first)).toBeUndefined();
    expect(echoes.heard(String(echoes.send(500).write[1]))).toEqual({ heardUntilMs: 500, isGap: false });
  });
});
