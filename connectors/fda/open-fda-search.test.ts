import { describe, expect, it } from 'vitest';
import { parseDrugName } from './drug-name.ts';
import { openFdaEndpoints } from './open-fda-endpoints.ts';
import { searchExpression } from './open-fda-search.ts';

const fields = openFdaEndpoints.drugsfda.nameFields;

describe('searchExpression()', () => {
  it('asks for brand, generic and ingredient names', () => {
    expect(searchExpression(fields, parseDrugName('Imatinib  mesylate'))).toBe(
      'openfda.brand_name:"imatinib mesylate" OR openfda.generic_name:"imatinib mesylate" OR ' +
        'products.brand_name:"imatinib mesylate" OR products.active_ingredients.name:"imatinib mesylate"',
    );
  });

  it.each([
    ['HY-PAM "25"', 'hy-pam 25'],
    ['a\\', 'a'],
    ['a" OR application_number:"NDA1', 'a or application number nda1'],
    ['x~^#!;$?|*{}[]<>=&&y', 'x y'],
    ['ST. JOSEPH\u2019S 0.5%', "st. joseph's 0.5%"],
    ['\u00d6m\u00e9prazole', 'omeprazole'],
  ])('makes %j a phrase that openFDA accepts', (name, phrase) => {
    const expression = searchExpression(fields, parseDrugName(name)) ?? '';
    expect(expression).toContain(`products.brand_name:"${phrase}"`);
    expect(expression).toMatch(/^[0-9a-zA-Z@%/',._:()"[\]{}\-+><= ]+$/);
    expect(expression.split('"')).toHaveLength(9);
  });

  it('asks nothing for letters that no name of the FDA has', () => {
    expect(
      searchExpression(fields, parseDrugName('\u043e\u0441\u0438\u043c\u0435\u0440\u0442\u0438\u043d\u0438\u0431')),
    ).toBeUndefined();
  });
});
