/** What the bundler puts in place of JSX: calls of `h`, a good deal shorter than those of the automatic runtime. */
export { Fragment, h } from 'preact';
