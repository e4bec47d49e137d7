/**
 * Writes `docs/settings.md` and `.env.example` from the table of variables, or with `--check` says where they differ.
 *
 *   node --conditions=plinth-source --import tsx tools/settings-table.ts [--check]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeFallback, type ListedVariable, listVariables } from 'plinth/settings';

const introduction = `<!-- Written by tools/settings-table.ts from the table in src/settings; edit that, not this. -->

# Settings

\`loadSettings()\` reads everything that can be set, once, and answers one typed tree that is frozen all the way down.
Keep it and hand it on: nothing else in the toolkit reads the environment.

\`\`\`ts
import { loadSettings } from 'plinth/settings';

const settings = loadSettings({
  explicit: { database: { poolSize: 5 } },
  environment: { PORT: '9000', MEDAUG_CACHE_TTL: '5m' },
  envFile: false,
  yamlFile: false,
});

settings.service.port; // 9000
settings.cache.ttlMs; // 300000
settings.origins['database.poolSize']; // 'explicit'
\`\`\`

## Where a value comes from

The first of these that sets a value wins:

1. \`explicit\`: values that code gives, in the units of the tree (milliseconds)
2. the environment
3. \`.env\`
4. \`plinth.yaml\`, below the key \`infrastructure\`
5. the default

- A blank variable counts as unset.
- Durations take a unit (\`250ms\`, \`30s\`, \`5m\`, \`2h\`, \`7d\`). A bare number is accepted where the table names its unit. The tree holds milliseconds.
- A value that cannot be used is a \`ConfigurationError\` that lists every problem at once, each with the variable, what was expected, what was found and where. A secret is never quoted.
- An unknown key in the YAML file is an error. An unknown variable that begins with \`MEDAUG_\`, \`PLINTH_\` or \`FEATURE_FLAG_\` is a warning (\`settings.warnings\`); others are not ours and are ignored.
- The tree is closed: settings of your own application are its own. Their variables may stand in the same \`.env\`; a YAML file of theirs is another one.
- \`DATABASE_POOL_SIZE\` and \`DATABASE_MAX_OVERFLOW\` win over \`DB_POOL_SIZE\` and \`DB_MAX_OVERFLOW\` in the same place; both set to different values is a warning.
- \`describeSettings(settings)\` and \`formatSettings(settings)\` show every value with its origin and without secrets.

## Production

With \`ENVIRONMENT=production\` these are errors: no \`JWT_SECRET_KEY\`, a placeholder or one below 32 characters, and default passwords (\`postgres:postgres\` and the like) in \`DATABASE_URL\`, \`REDIS_URL\` or \`STORAGE_URL\`. \`DEBUG=true\` and \`UPSTREAMS=recorded\` are warnings.

## Feature flags

\`FEATURE_FLAG_NEW_UI=true\`, or \`infrastructure.feature_flags.new_ui: true\`, becomes \`settings.featureFlags.new_ui\`: the value that holds until a flag store says otherwise. Each flag is found on its own, so one may come from the environment and the next from the file.

## Where a default differs from the source documents

The requirements came from documents about five Python products, which name most of these variables (\`MEDAUG_\` is the prefix of one of them) and give some values more than once. Ours:

| Setting | Here | There |
| --- | --- | --- |
| \`appName\` | \`Plinth\`; set \`APP_NAME\` | \`Personal Health Assistant\`, the name of one product |
| \`database.url\` | none: the embedded database | \`postgresql://postgres:postgres@localhost:5432/health_assistant\`, a server with a default password |
| \`database.poolSize\` | 10 | 5, 10 or 20 |
| \`database.maxOverflow\` | 20 | 20 or 30 |
| \`cache.backend\` | \`memory\`, with a Redis address \`hybrid\` | \`redis\` or \`hybrid\` |
| \`cache.ttlMs\` | five minutes | 300, 3600 or 86400 seconds |
| \`cache.maxEntries\` | 1000 | 100, 1000 or 10000 |
| \`scrapers.maxAttempts\` | 4, counting the first call | 3 retries, which is the same; the variable still counts retries |
| \`scrapers.userAgent\` | name and version of the application | \`MedAug/1.0\` |
| \`rateLimiting.perDomain\` | none: domains belong to connectors | 2.0 for api.fda.gov and others |
| \`security.corsOrigins\` | none: only the service's own pages | two addresses of localhost |

## Every variable
`;

const groups: Readonly<Record<string, string>> = {
  '': 'Application',
  service: 'Service',
  development: 'Development',
  monitoring: 'Monitoring',
  auth: 'Authentication',
  security: 'Security',
  rateLimit: 'Limit on requests to this service',
  database: 'Database',
  externalServices: 'External services and keys to outside sources',
  cache: 'Cache',
  rateLimiting: 'Limits on calls to other services',
  scrapers: 'Calls to outside sources',
  http: 'Outgoing HTTP',
  ai: 'Language model',
  storage: 'Files',
};

/** The variables of each group, in the order of the table. */
function byGroup(): ReadonlyMap<string, readonly ListedVariable[]> {
  const result = new Map<string, ListedVariable[]>();
  for (const variable of listVariables()) {
    const key = variable.path.includes('.') ? (variable.path.split('.')[0] ?? '') : '';
    const title = groups[key] ?? key;
    result.set(title, [...(result.get(title) ?? []), variable]);
  }
  return result;
}

function isPlain(variable: ListedVariable): boolean {
  return variable.fallbackText === undefined && describeFallback(variable) !== 'none';
}

function settingsPage(): string {
  const sections = [...byGroup()].map(([title, variables]) => {
    const rows = variables.map(variable => {
      const names = [variable.name, variable.otherName].filter(name => name !== undefined);
      const fallback = describeFallback(variable);
      return [
        names.map(name => `\`${name}\``).join(' or '),
        variable.description,
        variable.kind.expected.replaceAll('|', '\\|'),
        isPlain(variable) ? `\`${fallback}\`` : fallback,
        `\`${variable.path}\``,
        `\`${variable.file}\``,
      ];
    });
    const head = ['Variable', 'What it is', 'Expected', 'Default', 'In the tree', 'In the file'];
    const lines = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`);
    return `\n### ${title}\n\n${lines.join('\n')}\n`;
  });
  return `${introduction}${sections.join('')}`;
}

function environmentExample(): string {
  const sections = [...byGroup()].map(([title, variables]) => {
    const entries = variables.map(variable => {
      const sample = variable.sample ?? (isPlain(variable) ? describeFallback(variable) : '');
      return [
        `# ${variable.description.replaceAll('`', '')}`,
        `#   ${variable.kind.expected}`,
        `#   default: ${describeFallback(variable).replaceAll('`', '')}`,
        `#${variable.name}=${sample}`,
      ].join('\n');
    });
    return `\n## ${title}\n\n${entries.join('\n\n')}\n`;
  });
  const flags = '\n## Feature flags\n\n# FEATURE_FLAG_<NAME>, true or false\n#FEATURE_FLAG_NEW_UI=true\n';
  return `# Copy to .env and uncomment what you change. Written by tools/settings-table.ts; see docs/settings.md.\n${sections.join('')}${flags}`;
}

/** The first line in which two texts differ, for a message. */
function firstDifference(path: string, expected: string, found: string): string | undefined {
  if (expected === found) return undefined;
  const wanted = expected.split('\n');
  const present = found.split('\n');
  const line = wanted.findIndex((text, index) => text !== present[index]);
  const at = line < 0 ? wanted.length : line;
  return `${path}:${at + 1} differs from the table\n  expected: ${wanted[at] ?? '(end)'}\n  found:    ${present[at] ?? '(end)'}\n`;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const documents: readonly (readonly [string, string])[] = [
  ['docs/settings.md', settingsPage()],
  ['.env.example', environmentExample()],
];
const isCheck = process.argv.includes('--check');
for (const [name, text] of documents) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  if (!isCheck) writeFileSync(path, text);
  const difference = isCheck ? firstDifference(name, text, readOrEmpty(path)) : undefined;
  if (difference !== undefined) {
    process.stderr.write(`${difference}  fix: node --conditions=plinth-source --import tsx tools/settings-table.ts\n`);
    process.exitCode = 1;
  }
}
