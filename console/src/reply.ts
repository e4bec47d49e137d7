/** What came back for one request. Exactly one of `answer` and `problem` is there. */
export interface Reply<Answer> {
  /** The HTTP status, when there was an answer at all. */
  readonly status: number | undefined;
  /** The request id that the service gave, when it gave one. */
  readonly requestId: string | undefined;
  readonly durationMs: number;
  readonly answer?: Answer;
  readonly problem?: Problem;
}

/** Why there is no answer, in the words of the service when it spoke. */
export interface Problem {
  readonly message: string;
  readonly code: string;
}

/** One question to the service. */
export interface ServiceRequest<Answer> {
  readonly path: string;
  /** @default 'GET' */
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. @default nothing */
  readonly body?: unknown;
  /** Whether this is what was asked for. */
  readonly isAnswer: (body: object) => body is Answer & object;
}
