/** What one call says about itself. */
export interface CallOptions {
  /** What is asked of the dependency, from a closed set, such as `drugsfda.search`. */
  readonly operation: string;
  /** The cache key; without one the call is neither cached nor joined with others. @default none */
  readonly key?: string | undefined;
  /** Whether the call may safely be made twice; if not, it is neither retried nor hedged. @default false */
  readonly repeatable?: boolean | undefined;
  /** Who goes first when slots are scarce: higher before lower. @default 0 */
  readonly priority?: number | undefined;
  /** Whose share of the slots the call counts for. @default none */
  readonly tenant?: string | undefined;
  /** Ends the call. @default none */
  readonly signal?: AbortSignal | undefined;
}
