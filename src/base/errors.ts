/** What kind of failure this is. Wire faces map kinds to status codes; nothing else branches on message texts. */
export type ErrorKind =
  | 'invalid-argument'
  | 'not-found'
  | 'already-exists'
  | 'failed-precondition'
  | 'conflict'
  | 'not-modified'
  | 'permission-denied'
  | 'unauthenticated'
  | 'resource-exhausted'
  | 'out-of-range'
  | 'aborted'
  | 'unimplemented'
  | 'unavailable'
  | 'deadline-exceeded'
  | 'cancelled'
  | 'data-loss'
  | 'internal'
  | 'unknown';

export interface ErrorOptions {
  readonly cause?: unknown;
}

/**
 * The one error class of berth. The message says what was tried, on what, and then why it failed, with values quoted
 * and no final period; where a way out is known, it follows after a semicolon.
 */
export class EngineError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.kind = kind;
  }
}

/** The kind of any thrown value; what did not come from berth is `unknown`. A failed undo does not change it. */
export function kindOf(error: unknown): ErrorKind {
  if (error instanceof SuppressedError) return kindOf(error.suppressed);
  if (error instanceof EngineError) return error.kind;
  if (error instanceof Error && error.name === 'AbortError') return 'cancelled';
  if (error instanceof Error && error.name === 'TimeoutError') return 'deadline-exceeded';
  return 'unknown';
}

export function isKind(error: unknown, kind: ErrorKind): boolean {
  return kindOf(error) === kind;
}

/** The text of any thrown value, with the texts of its causes that say something new, and of an undo that failed too. */
export function messageOf(error: unknown): string {
  if (error instanceof SuppressedError) {
    const [first, then] = [messageOf(error.suppressed), messageOf(error.error)];
    return first.includes(then) ? first : `${first}; and then: ${then}`;
  }
  if (!(error instanceof Error)) return String(error);
  // A cause that is neither an error nor a text says nothing to people.
  const tells = error.cause instanceof Error || typeof error.cause === 'string';
  const cause = tells ? messageOf(error.cause) : '';
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}

/** The errno name ("ENOENT") of a failed system call, as Node and src/linux throw it. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Wraps `error` under a sentence that says what was tried; the kind is kept. */
export function describeFailure(tried: string, error: unknown): EngineError {
  return new EngineError(kindOf(error), `${tried}: ${messageOf(error)}`, { cause: error });
}
