import { describe, expect, it } from 'vitest';
import { made, ordinaryLines, secretLines } from './redaction-corpus.fixture.ts';
import { Redactor } from './redactor.ts';

const redactor = new Redactor();

describe('Redactor', () => {
  it.each(secretLines)('hides the secret of: %s', (line, secret) => {
    const text = redactor.text(line.replace('{}', () => secret));
    for (const part of [secret, ...secret.split(/[\s;/]+/).filter(word => word.length > 8)])
      expect(text).not.toContain(part);
    expect(text).toContain('[redacted]');
  });

  it.each(ordinaryLines)('leaves as it is: %s', line => {
    expect(redactor.text(line)).toBe(line);
  });

  it('keeps what stands around a secret', () => {
    expect(redactor.text('a password=hunter2, b')).toBe('a password=[redacted], b');
    expect(redactor.text('postgres://bob:hunter2@db/x?token=abc&y=1')).toBe(
      'postgres://bob:[redacted]@db/x?token=[redacted]&y=1',
    );
    expect(redactor.text('{"token":"a \\" b","user":"bob"}')).toBe('{"token":"[redacted]","user":"bob"}');
  });

  it('finds several secrets in one text, and hides nothing twice', () => {
    const text = redactor.text(`user=bob password=one2 then Bearer ${made(30)} and token=abc1`);
    expect(text).toBe('user=bob password=[redacted] then Bearer [redacted] and token=[redacted]');
    expect(redactor.text(text)).toBe(text);
  });

  it('hides what the caller names: keys and patterns', () => {
    const own = new Redactor({ keys: ['patient_name'], patterns: [/MRN-\d{6}/] });
    expect(own.text('patientName=Smith of MRN-123456 and MRN-654321')).toBe(
      'patientName=[redacted] of [redacted] and [redacted]',
    );
  });

  it('hides a secret across the cut of a long text', () => {
    const token = `ghp_${made(36)}`;
    const text = redactor.text(`${'x '.repeat(8_182)}${token} and more`);
    expect(text).not.toContain(token.slice(0, 16));
    expect(text).toMatch(/…\[of \d+ characters\]$/);
  });

  const hostile =
    'a|eyJ|eyJ.|-----BEGIN RSA PRIVATE KEY-----|password=|password="|\\"|://a:|://a:b|a.|a-|a_|=|key: |Bearer |1|4111 |AKIA|ghp_|sk-|$2b$10$|' +
    '{"password":"|--password |cookie: |authorization: Digest |token is |xoxb-|SG.|token:[|a_key=|a_key="|authorization:%a|token=env.|Set-Cookie:|tokens:[|token: xxx|password=f(| |\n';

  it.each(hostile.split('|'))('is linear: one megabyte of %j takes less than 50 ms', piece => {
    const text = `${piece.repeat(Math.ceil(1_048_576 / piece.length))}!`;
    // Of CPU, and the best of five: what other processes do is not the pattern's fault.
    const costs = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      redactor.text(text);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    });
    expect(Math.min(...costs)).toBeLessThan(50);
  });
});
