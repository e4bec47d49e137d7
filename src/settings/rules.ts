import type { Secret } from '../kernel/index.ts';
import { credentialsOf, toUrl } from './address-kinds.ts';
import type { SettingsTree } from './settings.ts';
import { fileKeyName } from './storage-kinds.ts';

/** What the rules about several values say: by path, because the loader knows names and origins. */
export interface Finding {
  readonly path: string;
  readonly message: string;
}

interface Findings {
  readonly problems: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Rules that look at more than one value, or at a value together with the environment. */
export function checkRules(tree: SettingsTree, isSet: (path: string) => boolean): Findings {
  const unsafe = unsafeValues(tree);
  const production = tree.environment === 'production';
  return {
    problems: [...contradictions(tree), ...(production ? unsafe : [])],
    warnings: [
      ...(production ? [] : unsafe.filter(({ path }) => path === 'auth.jwtSecret' && isSet(path))),
      ...oddities(tree, isSet),
    ],
  };
}

function contradictions({ security, ai, storage }: SettingsTree): readonly Finding[] {
  const findings: Finding[] = [];
  if (security.corsAllowCredentials && security.corsOrigins.includes('*')) {
    findings.push({
      path: 'security.corsOrigins',
      message:
        'Expected a list of origins, found *, which is not allowed together with credentials; set SECURITY_CORS_ALLOW_CREDENTIALS=false or name the origins',
    });
  }
  if (ai.provider === 'azure' && ai.azureEndpoint === undefined) {
    findings.push({
      path: 'ai.azureEndpoint',
      message: 'Expected the address of the resource, because LLM_PROVIDER is azure; found none',
    });
  }
  return [...findings, ...storageContradictions(storage)];
}

function storageContradictions(storage: SettingsTree['storage']): readonly Finding[] {
  const { encryptionEnabled, encryptionKeys, publicUrl, signingSecrets } = storage;
  const findings: Finding[] = [];
  if (encryptionEnabled && encryptionKeys.length === 0) {
    findings.push({
      path: 'storage.encryptionKeys',
      message:
        'Expected a key, because STORAGE_ENCRYPTION_ENABLED is true; found none; make one with: echo "STORAGE_ENCRYPTION_KEYS=key1:$(openssl rand -base64 32)", and keep it: without it the files are lost',
    });
  }
  const names = encryptionKeys.map(fileKeyName);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    findings.push({
      path: 'storage.encryptionKeys',
      message: `Expected every key to have a name of its own, found two that are called ${twice}`,
    });
  }
  if (publicUrl !== undefined && signingSecrets.length === 0) {
    findings.push({
      path: 'storage.signingSecrets',
      message:
        'Expected a secret, because STORAGE_PUBLIC_URL is set and links are signed; found none; make one with: openssl rand -base64 48',
    });
  }
  return findings;
}

/** What production must not start with. */
function unsafeValues(tree: SettingsTree): readonly Finding[] {
  const findings: Finding[] = [];
  const secret = unsafeSecret(tree.auth.jwtSecret);
  if (secret !== undefined) findings.push({ path: 'auth.jwtSecret', message: secret });
  const addresses: readonly (readonly [string, Secret | undefined])[] = [
    ['database.url', tree.database.url],
    ['externalServices.redisUrl', tree.externalServices.redisUrl],
    ['storage.url', tree.storage.url],
  ];
  for (const [path, address] of addresses) {
    if (address !== undefined && hasDefaultPassword(address.reveal())) {
      findings.push({ path, message: 'Expected a password of its own in production, found a default one (not shown)' });
    }
  }
  return findings;
}

const minSecretCharacters = 32;

function unsafeSecret(secret: Secret | undefined): string | undefined {
  const expected = `Expected a random key of at least ${minSecretCharacters} characters in production`;
  const advice = 'make one with: openssl rand -base64 48';
  if (secret === undefined) return `${expected}, found none; ${advice}`;
  const key = secret.reveal();
  if (/change[-_ ]?(?:me|this|it|in)|your[-_ ]|placeholder|example/i.test(key))
    return `${expected}, found a placeholder (not shown); ${advice}`;
  if (key.length < minSecretCharacters) return `${expected}, found one of ${key.length} (not shown); ${advice}`;
  return undefined;
}

const defaultPasswords = new Set([
  ...['admin', 'changeme', 'default', 'guest', 'minioadmin', 'minio123', 'pass', 'passw0rd', 'password', 'postgres'],
  ...['redis', 'root', 'secret', 'test', 'user', '123456', '12345678'],
]);

function hasDefaultPassword(address: string): boolean {
  const url = toUrl(address);
  const credentials = url === undefined ? undefined : credentialsOf(url);
  if (credentials === undefined || credentials.password === '') return false;
  const password = credentials.password.toLowerCase();
  return password === credentials.user.toLowerCase() || defaultPasswords.has(password);
}

/** What is allowed and probably not meant. */
function oddities(tree: SettingsTree, isSet: (path: string) => boolean): readonly Finding[] {
  const { environment, development, service, cache, externalServices } = tree;
  const findings: Finding[] = [];
  if (environment === 'production' && development.debug) {
    findings.push({
      path: 'development.debug',
      message: 'Debug mode is on in production: answers carry the detail of errors',
    });
  }
  if (environment === 'production' && service.upstreams === 'recorded') {
    findings.push({ path: 'service.upstreams', message: 'Outside sources are played from recordings in production' });
  }
  if (cache.backend !== 'memory' && externalServices.redisUrl === undefined) {
    findings.push({
      path: 'cache.backend',
      message: `The backend is ${cache.backend} but there is no Redis address; values are kept in memory`,
    });
  }
  if (tree.database.replicaUrls.length > 0 && tree.database.url === undefined) {
    findings.push({
      path: 'database.replicaUrls',
      message: 'Not used: there is no DATABASE_URL, and the embedded database has no standby servers',
    });
  }
  if (tree.storage.encryptionKeys.length > 0 && !tree.storage.encryptionEnabled) {
    findings.push({
      path: 'storage.encryptionKeys',
      message:
        'Not used: STORAGE_ENCRYPTION_ENABLED is false, so files are kept plain and encrypted ones cannot be read',
    });
  }
  if (tree.storage.signingSecrets.length > 0 && tree.storage.publicUrl === undefined) {
    findings.push({
      path: 'storage.signingSecrets',
      message: 'Not used: there is no STORAGE_PUBLIC_URL, the address that links are signed for',
    });
  }
  for (const part of ['host', 'port'] as const) {
    const url = externalServices.redisUrl === undefined ? undefined : toUrl(externalServices.redisUrl.reveal());
    const inUrl = part === 'host' ? url?.hostname.replace(/^\[|\]$/g, '') : Number(url?.port || 6_379);
    if (isSet(`cache.redis.${part}`) && isSet('externalServices.redisUrl') && inUrl !== cache.redis[part]) {
      findings.push({
        path: `cache.redis.${part}`,
        message: `Not used: REDIS_URL is set too, and names another ${part}`,
      });
    }
  }
  return findings;
}
