import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from 'plinth/kernel';
import type { Reply } from './reply.ts';

/** The sources that are stood in for. */
export type SourceName = 'openfda' | 'orange-book' | 'clinicaltrials' | 'nccn' | 'oncokb' | 'nyc';

/** A request to a source. */
export interface Question {
  readonly method: string;
  /** The address as it was asked, with this server's own origin. */
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Who asks, by address: for limits that count by it. */
  readonly caller: string;
  /** The body as text; empty when there was none. At most 1 MiB. */
  readonly body: string;
}

/** One outside source: it answers in the source's own wire format, with its limits, headers and errors. */
export interface StandInSource {
  readonly name: SourceName;
  /**
   * Which of the source's routes a path is, such as `/api/v2/studies/:nctId`: from a closed set, for the counts.
   * `undefined` when the path is none of this source's.
   */
  routeOf(pathname: string): string | undefined;
  /** Answers a request to one of its routes, whatever its method. */
  answer(question: Question): Reply;
}

/** What every source is opened with. */
export interface SourceOptions {
  /** A folder with larger data than the project's own recordings. @default none */
  readonly dataDirectory?: string | undefined;
  readonly clock: Clock;
}
