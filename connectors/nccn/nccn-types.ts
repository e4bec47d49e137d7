import type { Provenance, QuestionOptions } from 'plinth/http';

/**
 * A part of the catalogue, by its page: 1 treatment by cancer type, 2 detection, prevention and risk reduction, 3
 * supportive care, 4 specific populations.
 */
export type NccnCategory = 1 | 2 | 3 | 4;

/** One guideline of the catalogue. */
export interface NccnGuideline {
  /** NCCN's number, such as `1450`. Source: parameter `id` of the entry's link. */
  readonly id: string;
  /** Such as `Non-Small Cell Lung Cancer`. Source: text of the entry's link (`div.item-name > a`). */
  readonly name: string;
  /** Number and year, such as `8.2025`; `null` where the page gives none. Source: `div.item-version`. */
  readonly version: string | null;
  /** Source: parameter `category` of the entry's link. */
  readonly category: NccnCategory;
  /** The address of the detail page. Source: the entry's link. */
  readonly url: string;
}

/** How a catalogue page was read: from its list of guidelines, or, where it has none, from its links (without versions). */
export type CatalogueVia = 'items' | 'menu';

/** What was read of one catalogue page. */
export interface CataloguePage {
  readonly category: NccnCategory;
  /** The address that answered. */
  readonly url: string;
  readonly via: CatalogueVia;
  /** How many guidelines were read, before those that are on other pages as well are taken out. */
  readonly guidelines: number;
  /** How many entries could not be read. They are in quarantine. */
  readonly unreadable: number;
}

/** Which parts of the catalogue are asked for. */
export interface CatalogueOptions extends QuestionOptions {
  /** @default [1, 2, 3, 4] */
  readonly categories?: readonly NccnCategory[] | undefined;
}

/** The catalogue, or some of its parts. */
export interface CatalogueAnswer {
  /** In the order of the pages; each id once. */
  readonly guidelines: readonly NccnGuideline[];
  readonly pages: readonly CataloguePage[];
  /** How many entries could not be read, on all pages. */
  readonly unreadable: number;
  readonly provenance: Provenance;
}

/**
 * How a name was found: `name` is a guideline's own name (or one of the names that a guideline for several cancers has),
 * `alias` an entry of {@link cancerAliases}, `short-name` a name without such words as "cancer", `words` whole words of
 * names.
 */
export type MatchedBy = 'name' | 'alias' | 'short-name' | 'words';

/** The guidelines for a cancer. */
export interface GuidelinesAnswer {
  /** As it was asked for, trimmed. */
  readonly cancer: string;
  /** Empty for what the catalogue does not have. */
  readonly guidelines: readonly NccnGuideline[];
  /** `null` when nothing was found. */
  readonly matchedBy: MatchedBy | null;
  /** How many entries of the catalogue could not be read: one of them may be what was asked for. */
  readonly unreadable: number;
  readonly provenance: Provenance;
}

/**
 * What a document is: `guidelines` the guideline itself, `evidence-blocks` the same with ratings of evidence, `framework`
 * the same for fewer resources (basic, core, enhanced), `translation` one in another language, `patients` the guideline
 * for patients, `other` anything else in the same folders.
 */
export type NccnDocumentKind = 'guidelines' | 'evidence-blocks' | 'patients' | 'translation' | 'framework' | 'other';

/** A document that a detail page links. It is never downloaded; most ask for a log-in. */
export interface NccnDocument {
  /** By the folder and the name of its file, and by its title. */
  readonly kind: NccnDocumentKind;
  /** Source: text of the link. */
  readonly title: string;
  /** Number and year, or a year; `null` where the page gives none. Source: `Version …` in the list entry of the link. */
  readonly version: string | null;
  /** Source: the link. */
  readonly url: string;
  /** The language in English, if file or title name one; without it English is meant. */
  readonly language?: string;
}

/** Which guideline is asked for. */
export interface GuidelineOptions extends QuestionOptions {
  /** The part of the catalogue that it is in, if that is known: others are not looked at then. @default looked for in all */
  readonly category?: NccnCategory | undefined;
}

/** One guideline with its documents. */
export interface GuidelineDetail extends NccnGuideline {
  /** The version that the detail page gives for the guideline itself; may be newer than the catalogue's. */
  readonly documentVersion: string | null;
  /** The address of the guideline itself, which asks for a log-in; `null` where the page has no such link. */
  readonly documentUrl: string | null;
  /** All documents, in the page's order. */
  readonly documents: readonly NccnDocument[];
  readonly provenance: Provenance;
}

/** One guideline for patients. */
export interface PatientGuideline {
  /** NCCN's number, such as `11`. Source: parameter `patientGuidelineId` of the entry's link. */
  readonly id: string;
  /** Such as `Non-Small Cell Lung Cancer - Metastatic`. Source: text of the entry's link. */
  readonly name: string;
  /** The year of its version; `null` where the page gives none. Source: `div.item-version`. */
  readonly year: number | null;
  /** The address of its page. Source: the entry's link. */
  readonly url: string;
}

/** All guidelines for patients. */
export interface PatientGuidelinesAnswer {
  /** In the page's order; each id once. */
  readonly guidelines: readonly PatientGuideline[];
  /** How many entries could not be read. They are in quarantine. */
  readonly unreadable: number;
  readonly provenance: Provenance;
}
