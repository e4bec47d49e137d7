import { afterEach, describe, expect, it, vi } from 'vitest';
import { findProgram, serverOrSkip } from './require.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('serverOrSkip()', () => {
  it('gives the path of a server that is there', () => {
    expect(serverOrSkip('node', process.execPath)).toBe(process.execPath);
    expect(findProgram('no-such-server', 'sh')).toMatch(/\/sh$/);
  });

  it('skips by name, loudly, when the server is missing', () => {
    vi.stubEnv('PLINTH_REQUIRE_SERVERS', '');
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(serverOrSkip('no-such-server')).toBeUndefined();
    expect(write).toHaveBeenCalledWith(expect.stringContaining('SKIPPED: no-such-server'));
  });

  it('fails instead of skipping when servers are required', () => {
    vi.stubEnv('PLINTH_REQUIRE_SERVERS', '1');
    expect(() => serverOrSkip('no-such-server')).toThrow('no-such-server is not on this machine');
  });
});
