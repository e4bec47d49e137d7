/** Replaces what matches; every quantifier is bounded and every start stands at a border, so that matching is linear. */
export interface SecretPattern {
  readonly pattern: RegExp;
  replace(match: string, ...groups: string[]): string;
}

export const redacted = '[redacted]';

const hide = (): string => redacted;

/** Hides only what holds a digit: a name such as `sk-learn-pipeline` does not, a key does. */
const hideWithDigit = (match: string): string => (/\d/.test(match.slice(4)) ? redacted : match);

// Prefixes that the issuers reserve for their secrets, by the alphabet of what follows.
const alphanumericAfter =
  'gh[pousr]_|npm_|hf_|api_org_|gsk_|r8_|rubygems_|dp\\.(?:pt|st|ct|sa|scim|audit)\\.|lin_api_|lin_oauth_|nfp_|ntn_|pnu_|whsec_|(?:sk|rk)_(?:live|test|prod)_|EZ[AT]K|tfp_|duffel_(?:test|live)_|NRAK-|NRII-|NRJS-|NRAA-|pul-|rdme_|shp(?:at|ca|pa|ss|tka)_|aio_|xkeysib-|glc_|glsa_|CLOJARS_|sq[aup]_|sq[up]ro_|do[opr]_v1_|pscale_(?:tkn|pw|oauth)_|shippo_(?:live|test)_|tk-us-|fo1_|LTAI|sgp_|fio-u-|dapi(?=[0-9a-h]{32})|key-(?=[0-9a-z]{32}(?![0-9a-z]))|SK(?=[0-9a-f]{32}(?![0-9a-f]))|PMAK-|sm_aat_|tvly-|xai-|pplx-|nvapi-|re_(?=[A-Za-z0-9]{8}_)|phx_|lsv2_(?:pt|sk)_|pcsk_|esecret_|AKCp|cmVmdGtu|s-s4t2(?:ud|af)-|sk_|ico-|fbtk_|waka_|SCW|EAACEdEose0cBA|EAAA|EAA[MC]';
const wordAfter =
  'github_pat_|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct|rtr)-|GR1348941|xox[a-z]-|xapp-|xoxe\\.xox[bp]-|ya29\\.|1//0|GOCSPX-|AIza|sk-ant-|sk-proj-|sk-svcacct-|sk-admin-|sk-or-|sk-|pypi-|SG\\.|sq0[a-z]{3}-|hv[sbr]\\.|dt0[a-z]\\d{2}\\.|FLWSECK[-_]|FLWPUBK[-_]|v1\\.0-|sha256~|AGE-SECRET-KEY-1|AT[AC]TT3|sntry[su]_|ops_eyJ|A3-|sl\\.|[ps]k\\.eyJ|pat[A-Za-z0-9]{14}\\.|t1\\.|AQVN|YC[A-Z]|sk-or-v1-|figd_|figo_|figoh_|HRKU-|pat-(?:na|eu)\\d-|pat\\.|sat\\.|FlyV1 |fm[12][ra]?_|cfut_|CFPAT-|cfat_|dckr_(?:pat|oat)_|API-|pdl_|apify_api_|sbp_|vc[pkiar]_|nuget_|oy2|sdk-|api-|mob-|pcu_';

const text = String.raw;

/** Secrets that are recognised by their own shape, wherever they stand. */
export const secretTokens: readonly SecretPattern[] = [
  // Three or five base64url parts, the first of which is a JSON object; an unsigned one ends with a dot.
  { pattern: /(?<![\w-])eyJ[\w-]{8,4000}\.[\w-]{2,8000}(?:\.[\w-]{0,4000}){0,3}/g, replace: hide },
  {
    pattern: /(?<![A-Za-z0-9])(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z2-7]{16}(?![A-Za-z0-9])/g,
    replace: hide,
  },
  {
    pattern: new RegExp(text`(?<![A-Za-z0-9])(?:${alphanumericAfter})[A-Za-z0-9]{20,255}`, 'g'),
    replace: hideWithDigit,
  },
  { pattern: new RegExp(text`(?<![A-Za-z0-9])(?:${wordAfter})[\w.=-]{20,1024}`, 'g'), replace: hideToken },
  { pattern: /(?<![\d])\d{8,10}:AA[\w-]{32,33}(?![\w-])/g, replace: hide },
  { pattern: /(?<![\w-])[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])/g, replace: hide },
  { pattern: /(?<![0-9a-z])[0-9a-f]{32}-us\d{1,2}(?!\w)/g, replace: hide },
  { pattern: /(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])/g, replace: hide },
  { pattern: /(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}/g, replace: hide },
  {
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/+-]{20,200}/g,
    replace: () => `hooks.slack.com/${redacted}`,
  },
  {
    pattern: /(discord(?:app)?\.com\/api\/webhooks\/\d{10,25})\/[\w-]{20,120}/g,
    replace: (_, host) => `${host}/${redacted}`,
  },
  { pattern: /(webhook\.office\.com\/webhookb2)\/[\w@/-]{30,300}/g, replace: (_, host) => `${host}/${redacted}` },
  // Password hashes: bcrypt, argon2, scrypt, crypt.
  { pattern: /\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}/g, replace: hide },
  { pattern: /\$(?:argon2(?:id|i|d)|scrypt|pbkdf2[\w-]{0,20}|[156y])\$[\w./+=,$-]{16,512}/g, replace: hide },
];

/** A private key block, complete or cut off. */
export const privateKeyBlock: SecretPattern = {
  pattern:
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----)){0,16384}(?:-----END [A-Z0-9 ]{0,60}-----)?/g,
  replace: hide,
};

function hideToken(match: string): string {
  // Names made of words (`api-gateway-production-eu`, `live_traffic_report_daily`) have no long mixed part; keys have.
  const mixed = /(?=[A-Za-z0-9]{0,63}\d)(?=\d{0,63}[A-Za-z])[A-Za-z0-9]{12,}/.test(match);
  const uuid = /^(?:api|sdk|mob)-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(match);
  return mixed || uuid || (/\d/.test(match) && /[A-Z]/.test(match) && /[a-z]/.test(match)) ? redacted : match;
}

/** Payment card numbers: grouped as on the card or not at all, by an issuer's range, with a right check digit. */
export const cardNumber: SecretPattern = {
  pattern:
    /(?<![\w.+-]|\d[ ,])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5}|3[0689]\d{2}([ -]?)\d{6}\3\d{4})(?![\w-]|\.\d| \d)/g,
  replace: match => (isCardNumber(match.replace(/\D/g, '')) ? redacted : match),
};

const issuerRange =
  /^(?:4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d|2\d\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12})$/;

/** Whether digits are a number that a card could have (issuer's range and Luhn's check digit). */
export function isCardNumber(digits: string): boolean {
  if (!issuerRange.test(digits)) return false;
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
