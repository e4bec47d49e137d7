export { type PropagatedContext, propagationHeaders, readPropagation } from './propagation.ts';
export {
  clearRequestContext,
  getRequestContext,
  type RequestContext,
  runWithRequestContext,
  setRequestContext,
} from './request-context.ts';
