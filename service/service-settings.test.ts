import manifest from 'plinth/package.json' with { type: 'json' };
import { describe, expect, it } from 'vitest';
import { loadServiceSettings } from './service-settings.ts';

describe('loadServiceSettings()', () => {
  const nowhere = { envFile: false, yamlFile: false } as const;

  it('takes the version of the package for that of the application, also in what it calls itself outside', () => {
    const { appVersion, scrapers } = loadServiceSettings({ ...nowhere, environment: {} });
    expect(appVersion).toBe(manifest.version);
    expect(scrapers.userAgent).toBe(`Plinth/${manifest.version}`);
  });

  it('takes another one that was set, from wherever', () => {
    expect(loadServiceSettings({ ...nowhere, environment: { APP_VERSION: '7.8.9' } }).appVersion).toBe('7.8.9');
    expect(loadServiceSettings({ ...nowhere, environment: {}, explicit: { appVersion: '9.8.7' } }).appVersion).toBe(
      '9.8.7',
    );
  });

  it('keeps everything else that was handed in', () => {
    const settings = loadServiceSettings({ ...nowhere, environment: { PORT: '1' }, explicit: { appName: 'Other' } });
    expect(settings).toMatchObject({ appName: 'Other', service: { port: 1 }, appVersion: manifest.version });
  });
});
