import { EngineError, errnoOf, kindOf, messageOf, type ErrorKind } from '#/base/errors.ts';
import { quoteName } from '#/oci/tar-entry.ts';

/** What the kernel's answer says of an archive's entry, or of the host it is unpacked on. */
const kinds: Readonly<Record<string, ErrorKind>> = {
  ENOSPC: 'resource-exhausted',
  EDQUOT: 'resource-exhausted',
  EMFILE: 'resource-exhausted',
  ENOMEM: 'resource-exhausted',
  ENOENT: 'invalid-argument',
  EROFS: 'failed-precondition',
  EPERM: 'permission-denied',
  EACCES: 'permission-denied',
  EFBIG: 'invalid-argument',
  EINVAL: 'invalid-argument',
  ELOOP: 'invalid-argument',
  EMLINK: 'invalid-argument',
  ENAMETOOLONG: 'invalid-argument',
  ENOTDIR: 'invalid-argument',
  E2BIG: 'invalid-argument',
  ERANGE: 'invalid-argument',
  EIO: 'data-loss',
};

/** The kind of a failure whose cause may be the kernel's answer. */
export function kindOfFailure(error: unknown): ErrorKind {
  if (error instanceof EngineError) return kindOf(error);
  return kinds[errnoOf(error) ?? ''] ?? 'internal';
}

/** An error that names the entry. */
export function describeEntryError(name: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  return new EngineError(kindOfFailure(error), `entry ${quoteName(name)}: ${messageOf(error)}`, { cause: error });
}
