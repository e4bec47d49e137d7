export { createInfrastructure, type InfrastructureOptions } from './create-infrastructure.ts';
export { Dependencies, type Dependency, type DependencyEvents, type DependencyOptions } from './dependencies.ts';
export { ClosingError } from './errors.ts';
export { Infrastructure } from './infrastructure.ts';
