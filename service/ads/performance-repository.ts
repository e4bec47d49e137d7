import {
  type ListOptions,
  type Page,
  Repository,
  type RepositoryOptions,
  type RepositorySource,
  type Row,
} from 'plinth/crud';
import { type PreparedStatement, prepareStatement } from 'plinth/database';
import { ValidationError } from 'plinth/errors';
import { z } from 'zod';
import { conditionOf, type MeasuredPart, measuredRows, type PartCondition } from './measured-rows.ts';
import { type CountTexts, type Measures, measuresOf, sumsOfRows } from './measures.ts';
import { OwnerStatements } from './owner-statements.ts';
import { type BucketWidth, boundsOf, bucketWidth, type Period } from './period.ts';
import { adPerformance } from './tables.ts';

/** What was counted of an ad within an hour. What is left out is 0. */
export type PerformanceInput = z.input<typeof performanceInput>;

/** What a series tells. */
export interface SeriesOptions extends Period, MeasuredPart {
  /** How wide a bucket is, in UTC. @default 'day' */
  readonly bucket?: BucketWidth | undefined;
}

/** One bucket of a series. */
export interface SeriesPoint extends Measures {
  /** Its first day, `2026-01-15`; with hours its beginning, `2026-01-15T09:00:00Z`. */
  readonly start: string;
}

/** The most rows that are recorded at once. */
export const maxRecordedRows = 10_000;

const { adId, hour, impressions, clicks, conversions, costMicros } = adPerformance.schema.shape;
const performanceInput = z.strictObject({ adId, hour, impressions, clicks, conversions, costMicros });

/**
 * All rows or none: what one owner may not write stops the whole, and says which ads; one that is about to be deleted is
 * waited for. Rows are written in the order of their key, so that two reports at the same time wait for each other
 * instead of locking each other out.
 */
const recordRows = prepareStatement(
  `with given as (
      select * from json_to_recordset($2::json) as r(ad_id bigint, hour timestamptz, impressions bigint, clicks bigint,
        conversions bigint, cost_micros bigint)
    ), standing as materialized (
      select id from ads where user_id = $1 and id in (select ad_id from given) order by id for key share
    ), unknown as (
      select distinct ad_id from given where not exists (select from standing where id = given.ad_id)
    ), written as (
      insert into ad_performance (user_id, ad_id, hour, impressions, clicks, conversions, cost_micros)
      select $1, ad_id, hour, impressions, clicks, conversions, cost_micros from given
      where not exists (select from unknown) order by ad_id, hour
      on conflict (user_id, ad_id, hour) do update set impressions = excluded.impressions, clicks = excluded.clicks,
        conversions = excluded.conversions, cost_micros = excluded.cost_micros
      returning 1
    )
    select (select count(*)::int from written) as "written",
      (select coalesce(json_agg(ad_id), '[]'::json) from unknown) as "unknownAds"`,
  { reads: false },
);

/** One statement for each part and width, so that each has a plan of its own. */
const seriesOf: Readonly<Record<PartCondition['name'], Readonly<Record<BucketWidth, PreparedStatement>>>> = {
  all: seriesStatements('all'),
  ad: seriesStatements('ad'),
  campaign: seriesStatements('campaign'),
};

function seriesStatements(part: PartCondition['name']): Readonly<Record<BucketWidth, PreparedStatement>> {
  return { hour: write('hour'), day: write('day'), week: write('week'), month: write('month') };

  function write(width: BucketWidth): PreparedStatement {
    const format = width === 'hour' ? 'YYYY-MM-DD"T"HH24:MI:SS"Z"' : 'YYYY-MM-DD';
    const start = `date_trunc('${width}', p.hour, 'UTC')`;
    return prepareStatement(
      `select to_char(${start} at time zone 'UTC', '${format}') as "start", ${sumsOfRows}
        ${measuredRows(part, 2, 3, 4)} group by ${start} order by ${start}`,
      { reads: true },
    );
  }
}

/** What was counted of the ads of their owners, by the hour. */
export class PerformanceRepository extends Repository<typeof adPerformance> {
  readonly #statements: OwnerStatements;

  constructor(source: RepositorySource, options?: RepositoryOptions) {
    super(adPerformance, source, options);
    this.#statements = new OwnerStatements(source);
  }

  /** The rows, the latest first unless another sort is asked for. */
  override async list(options: ListOptions<typeof adPerformance> = {}): Promise<Page<Row<typeof adPerformance>>> {
    return await super.list({ ...options, sort: options.sort ?? { field: 'hour', order: 'desc' } });
  }

  /**
   * Records what was counted, all rows or none; says how many. An hour of an ad that is there already gets the new
   * numbers, so a report may be sent again.
   *
   * @throws {ValidationError} row by row: `[3].adId` for an ad that this owner does not have.
   */
  async record(rows: readonly PerformanceInput[]): Promise<number> {
    this.#statements.requireOwner();
    const given = readRows(rows);
    if (given.length === 0) return 0;
    const documents = given.map(row => ({
      ad_id: row.adId,
      hour: row.hour.toISOString(),
      impressions: row.impressions,
      clicks: row.clicks,
      conversions: row.conversions,
      cost_micros: row.costMicros,
    }));
    type Outcome = { readonly written: number; readonly unknownAds: readonly number[] };
    const { written, unknownAds } = await this.#statements.one<Outcome>(recordRows, [JSON.stringify(documents)]);
    if (unknownAds.length > 0) throw invalid(namesOfUnknown(given, new Set(unknownAds)));
    return written;
  }

  /**
   * Sums by hour, day, week or month; buckets in which nothing was counted are left out.
   *
   * @throws {ValidationError} for a period that cannot be used, or both an ad and a campaign.
   */
  async series({ bucket = 'day', ...options }: SeriesOptions): Promise<readonly SeriesPoint[]> {
    const width = bucketWidth.safeParse(bucket).data;
    if (width === undefined) throw invalid({ bucket: `Expected one of ${bucketWidth.options.join(', ')}` });
    const { name, values } = conditionOf(options);
    type PointRow = { readonly start: string } & CountTexts;
    const statement = seriesOf[name][width];
    const rows = await this.#statements.all<PointRow>(statement, [...boundsOf(options, width), ...values]);
    return rows.map(({ start, ...sums }) => ({ start, ...measuresOf(sums) }));
  }
}

function readRows(rows: readonly PerformanceInput[]): readonly z.output<typeof performanceInput>[] {
  if (rows.length > maxRecordedRows) throw invalid({ rows: `Expected at most ${maxRecordedRows} at once` });
  const problems: Record<string, string> = {};
  const seen = new Set<string>();
  const read = rows.flatMap((row, index) => {
    const { data, error } = performanceInput.safeParse(row);
    if (data === undefined) {
      for (const issue of error.issues) problems[`[${index}].${issue.path.map(String).join('.')}`] ??= issue.message;
      return [];
    }
    const place = `${data.adId} ${data.hour.getTime()}`;
    if (seen.has(place)) problems[`[${index}].hour`] = 'It is given twice for this ad';
    seen.add(place);
    return [data];
  });
  if (Object.keys(problems).length > 0) throw invalid(problems);
  return read;
}

function namesOfUnknown(
  rows: readonly { readonly adId: number }[],
  unknown: ReadonlySet<number>,
): Record<string, string> {
  const names = rows.flatMap((row, index) =>
    unknown.has(row.adId) ? [[`[${index}].adId`, 'There is no such ad']] : [],
  );
  return Object.fromEntries(names) as Record<string, string>;
}

function invalid(problems: Readonly<Record<string, string>>): ValidationError {
  return new ValidationError('Invalid performance', problems);
}
