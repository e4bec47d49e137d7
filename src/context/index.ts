export {
  clearRequestContext,
  getRequestContext,
  type RequestContext,
  runWithRequestContext,
  setRequestContext,
} from './request-context.ts';
