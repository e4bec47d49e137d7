import { OpenFdaClient } from 'plinth/connectors/fda';
import { describeBadSource } from '../bad-source.fixture.ts';

// The three endpoints are asked in the same way; one stands for all.
describeBadSource({
  name: 'OpenFdaClient',
  pathPrefix: '/drug',
  create: (standIn, options) => new OpenFdaClient({ baseUrl: standIn.addresses.openFda, ...options }),
  ask: openFda => openFda.findLabels('tagrisso'),
});
