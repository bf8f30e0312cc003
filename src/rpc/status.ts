import type { ErrorKind } from '#/base/errors.ts';
import { EngineError, kindOf, messageOf } from '#/base/errors.ts';

/** What goes over the wire when a call fails: a gRPC code (ttrpc uses the same) and a text. */
export interface RpcStatus {
  readonly code: number;
  readonly message: string;
}

interface KindFacts {
  readonly code: number;
  /** Ends the message, so that Go clients recognise the class from the text alone. '' for classes they do not look for. */
  readonly suffix: string;
}

const facts: Readonly<Record<ErrorKind, KindFacts>> = {
  cancelled: { code: 1, suffix: 'context canceled' },
  unknown: { code: 2, suffix: '' },
  'invalid-argument': { code: 3, suffix: 'invalid argument' },
  'deadline-exceeded': { code: 4, suffix: 'context deadline exceeded' },
  'not-found': { code: 5, suffix: 'not found' },
  'already-exists': { code: 6, suffix: 'already exists' },
  'permission-denied': { code: 7, suffix: 'permission denied' },
  'resource-exhausted': { code: 8, suffix: 'resource exhausted' },
  'failed-precondition': { code: 9, suffix: 'failed precondition' },
  conflict: { code: 9, suffix: 'conflict' },
  'not-modified': { code: 9, suffix: 'not modified' },
  aborted: { code: 10, suffix: 'aborted' },
  'out-of-range': { code: 11, suffix: 'out of range' },
  unimplemented: { code: 12, suffix: 'not implemented' },
  internal: { code: 13, suffix: '' },
  unavailable: { code: 14, suffix: 'unavailable' },
  'data-loss': { code: 15, suffix: 'data loss' },
  unauthenticated: { code: 16, suffix: 'unauthenticated' },
};

const kinds = Object.keys(facts) as ErrorKind[];

/** Codes shared by several kinds (9) mean the first of them here: only the message tells the others. */
const kindByCode: ReadonlyMap<number, ErrorKind> = new Map(
  kinds.toReversed().map((kind) => [facts[kind].code, kind] as const),
);

export const statusCode = (kind: ErrorKind): number => facts[kind].code;

export const kindOfStatusCode = (code: number): ErrorKind => kindByCode.get(code) ?? 'unknown';

/** Any thrown value as a status: `<context>: <class text>`. */
export function statusOf(error: unknown): RpcStatus {
  const { code, suffix } = facts[kindOf(error)];
  const message = messageOf(error);
  return { code, message: suffix === '' || endsWithClass(message, suffix) ? message : joinClass(message, suffix) };
}

/** The error that a peer's status stands for, its class text taken off the message. */
export function errorOfStatus(status: RpcStatus): EngineError {
  const kind = kindOfStatus(status);
  const { suffix } = facts[kind];
  const bare = status.message.endsWith(`: ${suffix}`) ? status.message.slice(0, -suffix.length - 2) : status.message;
  return new EngineError(kind, bare === '' ? kind : bare);
}

function kindOfStatus({ code, message }: RpcStatus): ErrorKind {
  const told = kinds.find((kind) => facts[kind].code === code && endsWithClass(message, facts[kind].suffix));
  return told ?? kindOfStatusCode(code);
}

function endsWithClass(message: string, suffix: string): boolean {
  return suffix !== '' && (message === suffix || message.endsWith(`: ${suffix}`));
}

const joinClass = (message: string, suffix: string): string => (message === '' ? suffix : `${message}: ${suffix}`);
