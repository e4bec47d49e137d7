import { readFdaRecordings } from './fda/fda-recordings.ts';
import { OpenFdaSource, type OpenFdaSourceOptions } from './fda/open-fda-source.ts';
import { OrangeBookSource, orangeBookPath } from './fda/orange-book-source.ts';
import type { SourceOptions, StandInSource } from './source.ts';

/** How each source behaves. */
export interface SourcesOptions extends SourceOptions {
  readonly openFda?: OpenFdaSourceOptions | undefined;
}

/** The addresses to give to the connectors. */
export interface StandInAddresses {
  /** Instead of `https://api.fda.gov`. */
  readonly openFda: string;
  /** Instead of `https://www.fda.gov/media/76860/download`. */
  readonly orangeBook: string;
}

/** Opens every source with its recordings. */
export async function openSources(options: SourcesOptions): Promise<readonly StandInSource[]> {
  const fda = await readFdaRecordings(options.dataDirectory);
  return [new OpenFdaSource(fda, { ...options, ...options.openFda }), new OrangeBookSource(fda.orangeBook)];
}

/** Where each source is, on the server at this address. */
export function addressesAt(url: string): StandInAddresses {
  return { openFda: url, orangeBook: `${url}${orangeBookPath}` };
}
