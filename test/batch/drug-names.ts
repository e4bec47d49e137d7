import { seededRandom } from 'plinth/testing';

/** Names that the recordings of openFDA know. */
const known = [
  'osimertinib mesylate',
  'Tagrisso',
  'ERLOTINIB HYDROCHLORIDE',
  'Tarceva',
  'gefitinib',
  'Iressa',
  'Crizotinib',
  'Xalkori',
  'alectinib hydrochloride',
  'imatinib mesylate',
  'Gleevec',
  'atorvastatin calcium',
  'Lipitor',
  'metformin hydrochloride',
  'Glucophage',
  'pembrolizumab',
  'Keytruda',
  'nivolumab',
  'Opdivo',
  'trastuzumab',
  'bevacizumab',
  'pemetrexed disodium',
  'semaglutide',
  'Ozempic',
] as const;

const beginnings = ['zal', 'orm', 'tev', 'bri', 'cap', 'lor', 'sun', 'fen', 'dab', 'ner', 'ixa', 'pon'] as const;
const middles = ['u', 'i', 'ati', 'ero', 'alo', 'ima', 'oxe', 'ede', 'ivo', 'ora', 'usi', 'eno'] as const;
const endings = ['tinib', 'mab', 'statin', 'ciclib', 'parib', 'prazole', 'sartan', 'gliptin', 'cillin'] as const;
const salts = ['', '', '', ' sodium', ' hydrochloride', ' mesylate', ' calcium', ' succinate'] as const;

const garbage = [
  '',
  '   ',
  '???',
  '<script>alert(1)</script>',
  '"aspirin',
  'a:b OR c',
  'line\nbreak',
  '\u0000',
  '阿司匹林',
];

/**
 * A list of drug names as somebody might bring it: some of them known, some that nobody has heard of, some twice or in
 * another spelling, and some that are none. The same list for the same seed.
 */
export function drugNames(count: number, seed: number): readonly string[] {
  const random = seededRandom(seed);
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random.next() * values.length)] as Value;
  const names: string[] = [];
  while (names.length < count) {
    const kind = random.next();
    if (kind < 0.25) names.push(pick(known));
    else if (kind < 0.35 && names.length > 0) names.push(pick(names));
    else if (kind < 0.4) names.push(pick(garbage));
    else names.push(`${pick(beginnings)}${pick(middles)}${pick(middles)}${pick(endings)}${pick(salts)}`);
  }
  return names;
}
