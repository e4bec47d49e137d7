import { namedReadCandidate, repositoryReadCandidates } from '../repository-read-candidates.ts';

export const question =
  "what does a read by key through the repository cost, one at a time? 'Time' is what goes by on the wall";

export const candidates = repositoryReadCandidates(1);

export const limit = namedReadCandidate;
