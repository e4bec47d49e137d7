import { join, resolve } from 'node:path';
import type { Dependency, DependencyOptions, Infrastructure } from 'plinth';
import { ClinicalTrialsScraper } from 'plinth/connectors/clinicaltrials';
import { FDAOrangeBookScraper } from 'plinth/connectors/fda';
import { NCCNScraper } from 'plinth/connectors/nccn';
import { NYCDataClient } from 'plinth/connectors/nyc';
import { OncoKBScraper } from 'plinth/connectors/oncokb';
import type { ScraperOptions } from 'plinth/http';
import { Secret } from 'plinth/kernel';
import { logEvents } from 'plinth/logging';
import type { ObservedContract } from 'plinth/telemetry';
import type { StandIn } from './stand-in/index.ts';

/** The outside sources of the service. */
export interface Sources {
  readonly fda: FDAOrangeBookScraper;
  readonly trials: ClinicalTrialsScraper;
  readonly nccn: NCCNScraper;
  readonly oncoKB: OncoKBScraper;
  readonly nyc: NYCDataClient;
}

/** openFDA answers 240 requests a minute to one address or key; 60 at once and 3 a second never come to more. */
const openFdaNumbers: DependencyOptions = { host: 'api.fda.gov', ratePerSecond: 3, burst: 60, maxConcurrent: 10 };

/** The whole edition comes in one download, and is kept by the connector itself. */
const orangeBookNumbers: DependencyOptions = {
  host: 'www.fda.gov',
  maxConcurrent: 2,
  deadlineMs: 120_000,
  attemptTimeoutMs: 60_000,
};

/** Others say that 50 a minute are taken: 2 at once and 0.8 a second never come to more. */
const trialsNumbers: DependencyOptions = { host: 'clinicaltrials.gov', ratePerSecond: 0.8, burst: 2, maxConcurrent: 4 };

/** A catalogue of four pages that changes a few times a month; they are read one after another. */
const nccnNumbers: DependencyOptions = {
  host: 'www.nccn.org',
  ratePerSecond: 0.5,
  burst: 4,
  maxConcurrent: 2,
  ttlMs: 86_400_000,
};

/** The documents' own number; its official client is as polite. */
const oncoKBNumbers: DependencyOptions = { host: 'www.oncokb.org', ratePerSecond: 0.5, burst: 5, maxConcurrent: 4 };

/** Callers without a token share what the city gives to one address. */
const nycNumbers: DependencyOptions = { host: 'data.cityofnewyork.us', ratePerSecond: 2, burst: 8, maxConcurrent: 4 };

/** Whoever has a token is counted by it. */
const nycNumbersWithToken: DependencyOptions = { ...nycNumbers, ratePerSecond: 5 };

/** What the stand-in takes for a token with all rights: nobody's, so that nothing has to be set to try the service out. */
const recordedToken = new Secret('premium-recorded');

/** Opens every source: live, or at the stand-in. They are closed with the infrastructure. */
export function openSources(infrastructure: Infrastructure, standIn: StandIn | undefined): Sources {
  const { externalServices: keys } = infrastructure.settings;
  const at = standIn?.addresses;
  const open = <Source extends { close(): Promise<void> }>(name: string, source: Source): Source => {
    infrastructure.onClose(name, () => source.close());
    return source;
  };
  const through = (name: string, numbers: DependencyOptions, baseUrl: string | undefined): ScraperOptions => {
    const { guard, cache }: Dependency = infrastructure.dependency(name, numbers);
    return { guard, cache, baseUrl, pool: infrastructure.connections, clock: infrastructure.clock };
  };
  const trials = new ClinicalTrialsScraper(through('clinicaltrials', trialsNumbers, at?.clinicalTrials));
  const licensedContent = keys.nccnLicensedFile === undefined ? undefined : { path: keys.nccnLicensedFile };
  const nccn = new NCCNScraper({ ...through('nccn', nccnNumbers, at?.nccn), licensedContent });
  const token = keys.oncoKbApiToken ?? (standIn && recordedToken);
  const oncoKB = new OncoKBScraper({ ...through('oncokb', oncoKBNumbers, at?.oncoKB), token });
  const nyc = new NYCDataClient({
    ...through('nyc', keys.nycAppToken === undefined ? nycNumbers : nycNumbersWithToken, at?.nyc),
    appToken: keys.nycAppToken,
  });
  logEvents(nyc.events, infrastructure.logging.getLogger('api.nyc_data_client'), {
    answered: ({ durationMs, records, operation }) => ({
      message: 'API request successful',
      fields: { operation, duration: durationMs / 1_000, records },
    }),
    'columns-changed': ({ datasetId, added, missing }) => ({
      level: 'WARNING',
      message: 'A data set has other columns',
      fields: { dataset: datasetId, added, missing },
    }),
  });
  logEvents(nccn.events, infrastructure.logging.getLogger('api.nccn'), {
    'menu-used': ({ category, records }) => ({
      level: 'WARNING',
      message: 'A catalogue page has no list any more: its links were read, without versions',
      fields: { category, records },
    }),
  });
  const fda = openFda(infrastructure, standIn);
  for (const { contracts } of [fda, trials, nccn, oncoKB, nyc]) {
    const all: readonly ObservedContract[] = Object.values({ ...contracts });
    for (const contract of all) infrastructure.watchContract(contract);
  }
  return {
    fda: open('fda', fda),
    trials: open('clinicaltrials', trials),
    nccn: open('nccn', nccn),
    oncoKB: open('oncokb', oncoKB),
    nyc: open('nyc', nyc),
  };
}

function openFda(infrastructure: Infrastructure, standIn: StandIn | undefined): FDAOrangeBookScraper {
  const { settings, connections, clock } = infrastructure;
  const cacheDirectory = join(resolve(settings.service.dataDirectory), 'orange-book');
  const fda = new FDAOrangeBookScraper({
    orangeBook: { cacheDirectory, ...(standIn && { url: standIn.addresses.orangeBook }) },
    openFda: {
      apiKey: settings.externalServices.openFdaApiKey,
      ...(standIn && { baseUrl: standIn.addresses.openFda }),
    },
    pool: connections,
    openFdaGuard: infrastructure.dependency('openfda', openFdaNumbers).guard,
    orangeBookGuard: infrastructure.dependency('orange-book', orangeBookNumbers).guard,
    clock,
  });
  logEvents(fda.events, infrastructure.logging.getLogger('api.orange-book'), {
    loaded: ({ durationMs, ...edition }) => ({
      message: 'Orange Book loaded',
      fields: { ...edition, duration: durationMs / 1_000 },
    }),
    failed: ({ error, serving }) => ({
      level: 'WARNING',
      message: 'Orange Book could not be loaded',
      fields: { error, serving },
    }),
  });
  return fda;
}
