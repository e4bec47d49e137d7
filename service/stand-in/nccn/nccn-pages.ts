import type {
  NccnRecordings,
  RecordedCategory,
  RecordedGuideline,
  RecordedPatientGuideline,
} from './nccn-recordings.ts';

/** How the catalogue pages are made: with their list of guidelines, or as a site that has lost it, with the menu only. */
export type CatalogueMarkup = 'items' | 'menu';

const patientDetails = '/patientresources/patient-resources/guidelines-for-patients/guidelines-for-patients-details';

/** A page of the catalogue. */
export function categoryPage(
  { categories }: NccnRecordings,
  { title, category, guidelines, fragment }: RecordedCategory,
  markup: CatalogueMarkup,
): string {
  const items = guidelines.map(({ id, name, version }) =>
    item(`/guidelines/guidelines-detail?category=${category}&id=${id}`, name, version),
  );
  const list = fragment === undefined ? twoColumns(items) : `${fragment}\n</div>`;
  return page(title, `${menu(categories)}\n${markup === 'items' ? list : ''}\n${elsewhere}`);
}

/** The page that lists the guidelines for patients. */
export function patientsPage(guidelines: readonly RecordedPatientGuideline[]): string {
  const items = guidelines.map(({ id, name, year }) =>
    item(`${patientDetails}?patientGuidelineId=${id}`, name, String(year)),
  );
  return page('Guidelines for Patients', `${twoColumns(items)}\n${elsewhere}`);
}

/** The page of one guideline. */
export function detailPage({ categories }: NccnRecordings, { name, version, file }: RecordedGuideline): string {
  const folder = '/professionals/physician_gls/pdf';
  const sections =
    file === null
      ? []
      : [
          section('GL', 'Guidelines', [[`${folder}/${file}.pdf`, 'NCCN Guidelines', version]]),
          section('EB', 'Evidence Blocks', [
            [`${folder}/${file}_blocks.pdf`, 'NCCN Guidelines with Evidence Blocks', version],
          ]),
          section('FW', 'Framework', [[`${folder}/${file}_basic.pdf`, 'Basic Framework (English)', null]]),
          section('PATs', 'Guidelines for Patients', [
            [`/patients/guidelines/content/PDF/${file}-patient.pdf`, name, null],
          ]),
          section('TR', 'International Adaptations and Translations', [
            [`${folder}/${file}-french.pdf`, `${name} (French)`, version],
          ]),
        ];
  return page(name, [menu(categories), `<h3>${escaped(name)}</h3>`, ...sections, elsewhere].join('\n'));
}

/** The page that asks who one is. It has the menu, as every page has. */
export function loginPage({ categories }: NccnRecordings): string {
  const form = `<form method="post" action="/login">
  <input type="hidden" name="RequestVerificationToken" value="none">
  <input type="text" name="Username"><input type="password" name="Password"><button type="submit">Login</button>
</form>`;
  return page('Login', `${menu(categories)}\n${form}`);
}

/** Files that every page of the site links, and that belong to no guideline. */
const elsewhere =
  '<a href="/docs/default-source/nccn-documents/user-guide.pdf">User Guide</a> <a href="/docs/default-source/prospectus.pdf">Prospectus</a>';

/** Line ends in titles are as on the site. */
function page(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>
	${escaped(title)}
</title></head>
<body>
${body}
</body>
</html>
`;
}

/** Every guideline of every category, without a version; here `&` is escaped. */
function menu(categories: readonly RecordedCategory[]): string {
  const links = categories.flatMap(({ category, guidelines }) =>
    guidelines.map(
      ({ id, name }) =>
        `<a class="dropdown-item" href="/guidelines/nccn-guidelines/guidelines-detail?category=${category}&amp;id=${id}">${escaped(name)}</a>`,
    ),
  );
  return `<nav>\n${links.join('\n')}\n</nav>`;
}

function twoColumns(items: readonly string[]): string {
  const half = Math.ceil(items.length / 2);
  const columns = [items.slice(0, half), items.slice(half)];
  const inside = columns.map(column => `        <div class="col-md-6">\n${column.join('\n')}\n        </div>`);
  return `    <div class="row guideline-items">\n${inside.join('\n')}\n    </div>`;
}

/** An entry of a list. As on the site, `&` in its link is not escaped. */
function item(href: string, name: string, version: string | null): string {
  const shown = version === null ? '' : `\n                        Version: ${version}\n                    `;
  return `                <div class="item">
                    <div class="item-name">
                        <a href="${href}">${escaped(name)}</a>
                    </div>
                    <div class="item-version">${shown}</div>
                </div>`;
}

type Entry = readonly [href: string, title: string, version: string | null];

function section(kind: string, title: string, entries: readonly Entry[]): string {
  const lines = entries.map(([href, text, version]) => {
    const shown = version === null ? '' : `<span> Version ${version}</span>`;
    return `<li><p><a href="${href}" target="_blank">${escaped(text)}</a> ${shown}</p></li>`;
  });
  return `<h4 class="${kind}">${title}</h4>\n<ul class="pdfList">\n${lines.join('\n')}\n</ul>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
