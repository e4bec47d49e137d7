import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseFolderError } from './errors.ts';

/** The major version of PostgreSQL inside PGlite 0.5. Clusters of another one cannot be opened. */
export const embeddedMajor = '18';

/** Where the cluster is, and where it has to be made when there is none yet. */
export interface ClusterFolder {
  readonly cluster: string;
  readonly draft: string | undefined;
}

/**
 * Looks at the folder of the database, without touching it.
 *
 * @throws {DatabaseFolderError} when what is in it is not a cluster that this program can open.
 */
export function inspectFolder(directory: string): ClusterFolder {
  const cluster = join(directory, 'cluster');
  if (existsSync(cluster)) {
    assertMajor(cluster, directory);
    return { cluster, draft: undefined };
  }
  if (existsSync(join(directory, 'PG_VERSION'))) throw bareCluster(directory);
  return { cluster, draft: join(directory, 'cluster.creating') };
}

function assertMajor(cluster: string, directory: string): void {
  const versionFile = join(cluster, 'PG_VERSION');
  const major = existsSync(versionFile) ? readFileSync(versionFile, 'utf8').trim() : undefined;
  if (major === embeddedMajor) return;
  if (major === undefined) {
    const content = readdirSync(cluster).length === 0 ? 'is empty' : 'has no PG_VERSION';
    throw unusable(directory, `${cluster} ${content}, so it is not a database. Restore it or delete it`);
  }
  throw unusable(
    directory,
    `it was made by PostgreSQL ${major}, and this program holds PostgreSQL ${embeddedMajor}. ` +
      'Dump it with the program that made it and restore the dump into a new folder',
  );
}

function bareCluster(directory: string): DatabaseFolderError {
  return unusable(
    directory,
    'it is itself a PostgreSQL cluster. Move its files into a folder called cluster inside of it',
  );
}

/** The error for a folder that nothing was done to. */
export function unusable(directory: string, reason: string, cause?: unknown): DatabaseFolderError {
  const message = `The database folder ${directory} cannot be used: ${reason}. It was left as it is`;
  return new DatabaseFolderError(message, directory, cause === undefined ? {} : { cause });
}
