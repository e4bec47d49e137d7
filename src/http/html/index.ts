export {
  type IncompleteRow,
  type MissingField,
  SelectorError,
  type SelectorFacts,
  type SelectorStep,
} from './errors.ts';
export { attribute, Field, link, text } from './field.ts';
export {
  type CountOptions,
  HtmlElement,
  type HtmlField,
  HtmlPage,
  type HtmlPageOptions,
  HtmlScope,
  type ListOptions,
  type Reading,
  type Row,
} from './html-page.ts';
