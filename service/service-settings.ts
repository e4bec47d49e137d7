import manifest from 'plinth/package.json' with { type: 'json' };
import { type LoadSettingsOptions, loadSettings, type Settings } from 'plinth/settings';

/**
 * The settings as the service takes them: the version of the application is that of its package, unless `APP_VERSION`
 * says another.
 *
 * @throws {ConfigurationError} with every problem at once.
 */
export function loadServiceSettings(options: LoadSettingsOptions = {}): Settings {
  const settings = loadSettings(options);
  if (settings.origins['appVersion'] !== 'default') return settings;
  return loadSettings({ ...options, explicit: { ...options.explicit, appVersion: manifest.version } });
}
