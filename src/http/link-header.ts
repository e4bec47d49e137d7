/** A link of a `Link` header (RFC 8288). */
export interface Link {
  /** Where it leads, as it is written: complete, or relative to the address of the answer. */
  readonly target: string;
  /** What it is, in lower case, such as `next`; several may be given at once. */
  readonly relations: readonly string[];
  /** Its other parameters, names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Reads a `Link` header. What cannot be read ends the list; links about something else than the answer (`anchor`) are left
 * out.
 *
 * @example
 * parseLinkHeader('</drugs?page=2>; rel="next"')[0]?.target; // '/drugs?page=2'
 */
export function parseLinkHeader(header: string | undefined): readonly Link[] {
  const links: Link[] = [];
  const text = header ?? '';
  // Sticky expressions walk over the text once, so that no header takes long to read.
  const target = /[\s,]*<([^>]*)>/y;
  const parameter = /\s*;\s*([^\s=;,"<>]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/y;
  for (let found = target.exec(text); found !== null; found = target.exec(text)) {
    const parameters: Record<string, string> = Object.create(null);
    parameter.lastIndex = target.lastIndex;
    for (let given = parameter.exec(text); given !== null; given = parameter.exec(text)) {
      const [, name = '', quoted, plain = ''] = given;
      // Of a parameter that is repeated the first one counts.
      parameters[name.toLowerCase()] ??= quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
      target.lastIndex = parameter.lastIndex;
    }
    const { rel = '', anchor, ...others } = parameters;
    const relations = rel.toLowerCase().split(/\s+/).filter(Boolean);
    if (anchor === undefined) links.push({ target: found[1] ?? '', relations, parameters: others });
    if (!/^\s*(?:,|$)/.test(text.slice(target.lastIndex, target.lastIndex + 100))) break;
  }
  return links;
}
