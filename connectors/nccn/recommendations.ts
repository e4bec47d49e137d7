import { findExactly } from './cancer-names.ts';
import type { LicensedReading } from './licensed-content.ts';
import type { LicensedEntry, LicensedRegimen } from './licensed-schema.ts';
import { concernsStage, parseStage } from './stage.ts';

/** Where recommended medications came from: never from nccn.org. */
export interface LicensedProvenance {
  readonly source: 'licensed-file';
  /** The licensed publication. Source: `source` of the file. */
  readonly title: string;
  /** Source: `version` of the file. */
  readonly version: string;
  /** Its day, `YYYY-MM-DD`. Source: `date` of the file. */
  readonly date: string;
  /** Under which licence it is used. Source: `licence` of the file. */
  readonly licence: string;
  /** When the file was read, ISO 8601 in UTC. */
  readonly readAt: string;
}

/** One recommended regimen. */
export interface RecommendedRegimen extends LicensedRegimen {
  /** The cancer as the file names it. */
  readonly cancer: string;
  /** The stages that the file says it for. */
  readonly stages: readonly string[];
}

/** What the licensed content recommends. */
export interface RecommendedMedicationsAnswer {
  /** As it was asked for, trimmed. */
  readonly cancer: string;
  /** As it was understood, such as `IV`. */
  readonly stage: string;
  /** In the file's order. Empty for what the file does not have. */
  readonly regimens: readonly RecommendedRegimen[];
  /** The cancers of the file that were meant; empty when it has none of that name. */
  readonly cancers: readonly string[];
  /** Every stage that the file has for them. */
  readonly availableStages: readonly string[];
  readonly provenance: LicensedProvenance;
}

/**
 * The regimens for a cancer and a stage. The cancer is found by its whole name or an alias, never by single words.
 *
 * @throws {ValidationError} when the text is no name of a cancer, or the stage is none
 */
export function recommend(
  { document, readAt }: LicensedReading,
  cancer: string,
  stage: string,
): RecommendedMedicationsAnswer {
  const asked = parseStage(stage);
  const { entries } = findExactly(document.entries, cancer, entry => entry.cancer);
  const { source: title, version, date, licence } = document;
  return {
    cancer: cancer.trim(),
    stage: asked,
    regimens: entries.filter(({ stages }) => concernsStage(stages, asked)).flatMap(regimensOf),
    cancers: [...new Set(entries.map(entry => entry.cancer))],
    availableStages: [...new Set(entries.flatMap(({ stages }) => stages))],
    provenance: { source: 'licensed-file', title, version, date, licence, readAt },
  };
}

function regimensOf({ cancer, stages, regimens }: LicensedEntry): readonly RecommendedRegimen[] {
  return regimens.map(regimen => ({ ...regimen, cancer, stages }));
}
