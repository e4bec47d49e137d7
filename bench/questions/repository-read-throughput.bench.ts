import { namedReadCandidate, repositoryReadCandidates } from '../repository-read-candidates.ts';

export const question = "how fast are reads by key with 20 in flight? 'Time' is what goes by on the wall";

export const candidates = repositoryReadCandidates(20);

export const limit = namedReadCandidate;
