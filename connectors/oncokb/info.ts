import { type Clock, untilAborted } from 'plinth/kernel';
import { type OncoKBLevel, parseLevel } from './levels.ts';
import { dayOf, isRecord, listOf, requireRecord, textOf } from './wire-values.ts';

/** Which data OncoKB answered from. */
export interface OncoKBDataVersion {
  /** Such as `v7.1`. [dataVersion.version] */
  readonly version: string;
  /** When it was released, `YYYY-MM-DD`; `null` when that is not known. [dataVersion.date] */
  readonly date: string | null;
}

/** What OncoKB says about itself. In brackets: the field of `/info`. */
export interface OncoKBInfo {
  /** [dataVersion] */
  readonly dataVersion: OncoKBDataVersion | null;
  /** Such as `v1.6.0`. [apiVersion.version] */
  readonly apiVersion: string | null;
  /** [appVersion.version] */
  readonly appVersion: string | null;
  /** [oncoTreeVersion] */
  readonly oncoTreeVersion: string | null;
  /** [ncitVersion] */
  readonly ncitVersion: string | null;
  /** Whether it is an instance without treatments, for everybody. [publicInstance] */
  readonly publicInstance: boolean;
  /** The levels with their meaning. [levels[].levelOfEvidence, levels[].description] */
  readonly levels: readonly { readonly level: OncoKBLevel; readonly description: string }[];
}

/** Reads the body of `/info`. @throws {ValidationError} when it is no object */
export function readInfo(value: unknown): OncoKBInfo {
  const record = requireRecord(value);
  const dataVersion = isRecord(record['dataVersion']) ? record['dataVersion'] : {};
  const version = textOf(dataVersion['version']);
  return {
    dataVersion: version === null ? null : { version, date: dayOf(dataVersion['date']) },
    apiVersion: versionOf(record['apiVersion']),
    appVersion: versionOf(record['appVersion']),
    oncoTreeVersion: textOf(record['oncoTreeVersion']),
    ncitVersion: textOf(record['ncitVersion']),
    publicInstance: record['publicInstance'] === true,
    levels: listOf(record['levels']).flatMap(entry => {
      const level = isRecord(entry) ? parseLevel(entry['levelOfEvidence']) : undefined;
      return level === undefined || !isRecord(entry)
        ? []
        : [{ level, description: textOf(entry['description']) ?? '' }];
    }),
  };
}

function versionOf(value: unknown): string | null {
  return isRecord(value) ? textOf(value['version']) : null;
}

const dayMs = 86_400_000;
const afterFailureMs = 600_000;

/**
 * The version of the data, which every answer says: asked once a day, and not at all for ten minutes after it could not
 * be had. An answer never fails for want of it.
 */
export class DataVersions {
  readonly #ask: () => Promise<OncoKBDataVersion | null>;
  readonly #clock: Clock;
  #known: Promise<OncoKBDataVersion | null> | undefined;
  #askAgainAtMs = 0;

  constructor(ask: () => Promise<OncoKBDataVersion | null>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** The version in force. An answer that says its version itself only lacks the date. */
  async current(version: string | null, signal: AbortSignal | undefined): Promise<OncoKBDataVersion | null> {
    const known = await untilAborted(this.#current(), signal);
    if (version === null) return known;
    return known?.version === version ? known : { version, date: null };
  }

  #current(): Promise<OncoKBDataVersion | null> {
    const nowMs = this.#clock.monotonic();
    if (this.#known === undefined || nowMs >= this.#askAgainAtMs) {
      this.#askAgainAtMs = nowMs + dayMs;
      this.#known = this.#load();
    }
    return this.#known;
  }

  async #load(): Promise<OncoKBDataVersion | null> {
    try {
      return await this.#ask();
    } catch {
      this.#askAgainAtMs = this.#clock.monotonic() + afterFailureMs;
      return null;
    }
  }
}
