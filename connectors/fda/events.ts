/** What the Orange Book tells of its editions. */
export interface OrangeBookEvents {
  /** An edition was read and serves from now on. */
  loaded: {
    /** The edition's date, `YYYY-MM-DD`. */
    readonly edition: string;
    readonly origin: 'live' | 'recorded';
    readonly products: number;
    readonly patents: number;
    readonly exclusivities: number;
    /** How long downloading and reading took, in milliseconds. */
    readonly durationMs: number;
  };
  /** The source was asked and still has the edition that serves. */
  unchanged: { readonly edition: string };
  /** An edition could not be loaded. */
  failed: {
    readonly error: unknown;
    /** The edition that goes on serving; `null` when there is none. */
    readonly serving: string | null;
  };
}
