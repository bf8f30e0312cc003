import { kindOf, type ErrorKind } from '#/base/errors.ts';

/** Engine API: which status a kind of error has. */
const statuses: Readonly<Record<ErrorKind, number>> = {
  'invalid-argument': 400,
  'out-of-range': 400,
  'not-found': 404,
  'already-exists': 409,
  conflict: 409,
  'failed-precondition': 409,
  aborted: 409,
  'not-modified': 304,
  'permission-denied': 403,
  unauthenticated: 401,
  'resource-exhausted': 507,
  unimplemented: 501,
  unavailable: 503,
  'deadline-exceeded': 504,
  cancelled: 499,
  'data-loss': 500,
  internal: 500,
  unknown: 500,
};

export function statusOf(error: unknown): number {
  return statuses[kindOf(error)];
}
