export type { ActiveFault, Behaviour, Fault } from './faults.ts';
export type { StandInAddresses } from './sources.ts';
export { type StandIn, type StandInOptions, type StandInStats, startStandIn } from './stand-in.ts';
