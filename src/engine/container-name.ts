import { EngineError } from '#/base/errors.ts';
import type { Transaction } from '#/core/metadata/contract.ts';

const validName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const longestName = 255;

/** Throws `invalid-argument`, in Docker's words, for what cannot be a container's name. */
export function checkName(name: string): string {
  if (name.length <= longestName && validName.test(name)) return name;
  throw new EngineError(
    'invalid-argument',
    `Invalid container name (${name.slice(0, longestName)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, at least two and at most ${longestName} of them`,
  );
}

/**
 * Takes a name for a container within a transaction. Throws `conflict`, in Docker's words, when another has it; the id of
 * a container is a name too, and the only one that those of other clients have.
 */
export function reserveName(
  tx: Transaction,
  { namespace, name, id }: { readonly namespace: string; readonly name: string; readonly id: string },
): void {
  const holder = tx.findName(namespace, name) ?? tx.containers.find(namespace, name)?.id;
  if (holder !== undefined)
    throw new EngineError(
      'conflict',
      `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
  tx.reserveName(namespace, name, id);
}
