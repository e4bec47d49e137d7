import { NYCDataClient } from 'plinth/connectors/nyc';
import { describeBadSource } from '../bad-source.fixture.ts';

describeBadSource<NYCDataClient>({
  name: 'NYCDataClient',
  pathPrefix: '/resource',
  create: (standIn, options) => new NYCDataClient({ baseUrl: standIn.addresses.nyc, ...options }),
  ask: nyc => nyc.getDobViolations('1007200055'),
});
