import { host, origins, urlPath } from './address-kinds.ts';
import type { SettingsTree } from './settings.ts';
import { boolean, choice, duration, form, integer, line, secret } from './value-kind.ts';
import type { VariableTree } from './variable.ts';

/** Text that can be the name of a file or folder. */
const folder = line;

/** The variables of the service itself: what it is, where it listens, how it watches and guards itself. */
export const serviceVariables: VariableTree<
  Pick<
    SettingsTree,
    | 'appName'
    | 'appVersion'
    | 'apiPrefix'
    | 'docsUrl'
    | 'environment'
    | 'service'
    | 'development'
    | 'monitoring'
    | 'auth'
    | 'security'
    | 'rateLimit'
  >
> = {
  appName: {
    name: 'APP_NAME',
    kind: line,
    fallback: 'Plinth',
    description: 'Name of the application, also the `app_name` label of metrics.',
  },
  appVersion: {
    name: 'APP_VERSION',
    kind: form('a version such as 1.0.0', /^[\w.+-]+$/),
    fallback: '1.0.0',
    description: 'Version of the application.',
  },
  apiPrefix: {
    name: 'API_PREFIX',
    kind: urlPath,
    fallback: '/api/v1',
    description: 'Path under which every route of the API is mounted.',
  },
  docsUrl: {
    name: 'DOCS_URL',
    kind: urlPath,
    fallback: '/docs',
    description: 'Path of the interactive documentation of the API.',
  },
  environment: {
    name: 'ENVIRONMENT',
    kind: choice('development', 'production', 'test'),
    fallback: 'development',
    description: 'Where the process runs; decides formats and strictness.',
  },
  service: {
    port: {
      name: 'PORT',
      kind: integer({ min: 0, max: 65_535 }),
      fallback: 8_000,
      description: 'Port to listen on; 0 takes any free one.',
    },
    host: {
      name: 'HOST',
      kind: host,
      fallback: '127.0.0.1',
      description: 'Address to listen on; 0.0.0.0 is every address of the machine.',
    },
    dataDirectory: {
      name: 'DATA_DIR',
      kind: folder,
      fallback: './data',
      description: 'Folder of the embedded database and local files.',
    },
    recordingsDirectory: {
      name: 'PLINTH_DATA',
      kind: folder,
      fallback: undefined,
      description:
        'Folder with further recordings of the outside sources, besides those that come with the connectors.',
      sample: './recordings',
    },
    upstreams: {
      name: 'UPSTREAMS',
      kind: choice('recorded', 'live'),
      fallback: tree => (tree.environment === 'production' ? 'live' : 'recorded'),
      fallbackText: '`live` in production, otherwise `recorded`',
      description: 'Whether outside sources are played from recordings or called live.',
      sample: 'recorded',
    },
  },
  development: {
    debug: {
      name: 'DEBUG',
      kind: boolean,
      fallback: false,
      description: 'Debug mode: level DEBUG unless LOG_LEVEL is set, and errors with detail.',
    },
  },
  monitoring: {
    logLevel: {
      name: 'LOG_LEVEL',
      kind: choice('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'),
      fallback: tree => (tree.development.debug ? 'DEBUG' : 'INFO'),
      fallbackText: '`INFO`, in debug mode `DEBUG`',
      description: 'Lowest level that is logged.',
      sample: 'INFO',
    },
    logDirectory: {
      name: 'LOG_DIR',
      kind: folder,
      fallback: tree => `${tree.service.dataDirectory.replace(/\/+$/, '')}/logs`,
      fallbackText: '`logs` in DATA_DIR',
      description: 'Folder of the log files.',
      sample: './logs',
    },
    metricsEnabled: {
      name: 'ENABLE_METRICS',
      kind: boolean,
      fallback: true,
      description: 'Whether metrics are collected.',
    },
    tracingEnabled: {
      name: 'ENABLE_TRACING',
      kind: boolean,
      fallback: true,
      description: 'Whether traces are collected.',
    },
  },
  auth: {
    jwtSecret: {
      name: 'JWT_SECRET_KEY',
      kind: secret('a key on one line', text => text !== '' && line.fromText(text) !== undefined),
      fallback: undefined,
      description: 'Key that signs tokens; production requires one of at least 32 characters.',
      sample: 'your-super-secret-jwt-key-change-in-production',
    },
    jwtAlgorithm: {
      name: 'JWT_ALGORITHM',
      kind: choice('HS256', 'HS384', 'HS512'),
      fallback: 'HS256',
      description: 'Algorithm that signs tokens.',
    },
    accessTokenTtlMs: {
      name: 'JWT_ACCESS_TOKEN_EXPIRE_MINUTES',
      file: 'auth.access_token_expire_minutes',
      kind: duration('minutes'),
      fallback: 1_800_000,
      description: 'Lifetime of an access token.',
      sample: '30',
    },
    refreshTokenTtlMs: {
      name: 'JWT_REFRESH_TOKEN_EXPIRE_DAYS',
      file: 'auth.refresh_token_expire_days',
      kind: duration('days'),
      fallback: 604_800_000,
      description: 'Lifetime of a refresh token.',
      sample: '7',
    },
  },
  security: {
    corsOrigins: {
      name: 'SECURITY_CORS_ORIGINS',
      kind: origins,
      fallback: [],
      description: 'Origins whose pages may call the service; `*` needs credentials to be off.',
      sample: 'http://localhost:3000,http://localhost:8080',
    },
    corsAllowCredentials: {
      name: 'SECURITY_CORS_ALLOW_CREDENTIALS',
      kind: boolean,
      fallback: true,
      description: 'Whether those pages may send credentials.',
    },
  },
  rateLimit: {
    requests: {
      name: 'RATE_LIMIT_REQUESTS',
      kind: integer({ min: 1, max: 1_000_000_000 }),
      fallback: 100,
      description: 'Requests to this service that are allowed in one window.',
    },
    windowMs: {
      name: 'RATE_LIMIT_WINDOW',
      kind: duration('seconds'),
      fallback: 60_000,
      description: 'Length of that window.',
      sample: '60',
    },
  },
};
