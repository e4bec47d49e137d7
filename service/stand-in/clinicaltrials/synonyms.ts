/** Names of the same thing. The source has a thesaurus of millions; these are those of the recordings. */
const sets: readonly (readonly string[])[] = [
  ['NSCLC', 'non-small cell lung cancer', 'non-small cell lung carcinoma', 'carcinoma, non-small-cell lung'],
  ['CML', 'chronic myeloid leukemia', 'chronic myelogenous leukemia'],
  ['stroke', 'cerebrovascular accident'],
  ['type 2 diabetes', 'diabetes mellitus, type 2', 'type 2 diabetes mellitus'],
  ['pembrolizumab', 'Keytruda', 'MK-3475'],
  ['osimertinib', 'Tagrisso', 'AZD9291'],
  ['erlotinib', 'Tarceva'],
  ['gefitinib', 'Iressa'],
  ['crizotinib', 'Xalkori'],
  ['alectinib', 'Alecensa'],
  ['atezolizumab', 'Tecentriq'],
  ['imatinib', 'imatinib mesylate', 'Gleevec', 'STI571'],
  ['atorvastatin', 'Lipitor'],
  ['metformin', 'Glucophage'],
  ['semaglutide', 'Ozempic', 'Wegovy', 'Rybelsus'],
];

/** A text and its other names. */
export function synonymsOf(text: string): readonly string[] {
  const name = text.trim().toLowerCase();
  const set = sets.find(names => names.some(other => other.toLowerCase() === name));
  return set ?? [text];
}
