import {
  ClinicalTrialsSource,
  type ClinicalTrialsSourceOptions,
  clinicalTrialsPath,
} from './clinicaltrials/clinical-trials-source.ts';
import { readStudyRecordings } from './clinicaltrials/study-recordings.ts';
import { readFdaRecordings } from './fda/fda-recordings.ts';
import { OpenFdaSource, type OpenFdaSourceOptions } from './fda/open-fda-source.ts';
import { OrangeBookSource, orangeBookPath } from './fda/orange-book-source.ts';
import { readNccnRecordings } from './nccn/nccn-recordings.ts';
import { NccnSource, type NccnSourceOptions } from './nccn/nccn-source.ts';
import { readNycRecordings } from './nyc/nyc-recordings.ts';
import { NycSource, type NycSourceOptions } from './nyc/nyc-source.ts';
import { readOncoKBRecordings } from './oncokb/oncokb-recordings.ts';
import { OncoKBSource, type OncoKBSourceOptions, oncoKBPath } from './oncokb/oncokb-source.ts';
import type { SourceOptions, StandInSource } from './source.ts';

/** How each source behaves. */
export interface SourcesOptions extends SourceOptions {
  readonly openFda?: OpenFdaSourceOptions | undefined;
  readonly clinicalTrials?: ClinicalTrialsSourceOptions | undefined;
  readonly oncoKB?: OncoKBSourceOptions | undefined;
  readonly nccn?: NccnSourceOptions | undefined;
  readonly nyc?: NycSourceOptions | undefined;
}

/** The addresses to give to the connectors. */
export interface StandInAddresses {
  /** Instead of `https://api.fda.gov`. */
  readonly openFda: string;
  /** Instead of `https://www.fda.gov/media/76860/download`. */
  readonly orangeBook: string;
  /** Instead of `https://clinicaltrials.gov/api/v2`. */
  readonly clinicalTrials: string;
  /** Instead of `https://www.oncokb.org/api/v1`. */
  readonly oncoKB: string;
  /** Instead of `https://www.nccn.org`. */
  readonly nccn: string;
  /** Instead of `https://data.cityofnewyork.us`. */
  readonly nyc: string;
}

/** Opens every source with its recordings. */
export async function openSources(options: SourcesOptions): Promise<readonly StandInSource[]> {
  const fda = await readFdaRecordings(options.dataDirectory);
  const studies = await readStudyRecordings(options.dataDirectory);
  const oncoKB = await readOncoKBRecordings(options.dataDirectory);
  const nccn = await readNccnRecordings(options.dataDirectory);
  const nyc = await readNycRecordings(options.dataDirectory);
  return [
    new OpenFdaSource(fda, { ...options, ...options.openFda }),
    new OrangeBookSource(fda.orangeBook),
    new ClinicalTrialsSource(studies, { ...options, ...options.clinicalTrials }),
    new OncoKBSource(oncoKB, { ...options, ...options.oncoKB }),
    new NccnSource(nccn, options.nccn),
    new NycSource(nyc, { ...options, ...options.nyc }),
  ];
}

/** Where each source is, on the server at this address. */
export function addressesAt(url: string): StandInAddresses {
  return {
    openFda: url,
    orangeBook: `${url}${orangeBookPath}`,
    clinicalTrials: `${url}${clinicalTrialsPath}`,
    oncoKB: `${url}${oncoKBPath}`,
    nccn: url,
    nyc: url,
  };
}
