import { describe, expect, it } from 'vitest';
import { loadConsoleAssets } from './console-assets.ts';

describe('loadConsoleAssets', () => {
  it('makes one page whose files all exist under names with a hash', async () => {
    const assets = await loadConsoleAssets();
    const page = assets.find(({ path }) => path === '/')?.body.toString() ?? '';
    const referred = [...page.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(([, path]) => path);
    expect(referred).toHaveLength(4);
    expect(assets.map(({ path }) => path).sort()).toEqual(['/', ...referred].sort());
    for (const path of referred) expect(path).toMatch(/-[A-Z0-9]{8}\.(js|css|svg)$/);
    expect(page).not.toContain('{{');
  });

  it('needs no inline script, no inline style and no other origin', async () => {
    const page = (await loadConsoleAssets())[0]?.body.toString() ?? '';
    expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });

  it('stays small: the scripts take less than 64 KiB before compression', async () => {
    const scripts = (await loadConsoleAssets()).filter(({ path }) => path.endsWith('.js'));
    expect(scripts.reduce((bytes, { body }) => bytes + body.length, 0)).toBeLessThan(64 * 1_024);
  });

  it('gives the same tags for the same sources', async () => {
    const tags = async (): Promise<readonly string[]> => (await loadConsoleAssets()).map(({ etag }) => etag);
    expect(await tags()).toEqual(await tags());
  });
});
