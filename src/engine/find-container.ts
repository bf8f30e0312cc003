import { EngineError } from '#/base/errors.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import type { EngineContext } from '#/engine/context.ts';
import { asEngineContainer, findEngineContainer, type EngineContainer } from '#/engine/container-record.ts';

/** Hidden while it is being made. */
function isVisible(namespace: string, core: ContainerRecord): boolean {
  return findEngineContainer(namespace, core)?.state.kind !== 'creating';
}

/**
 * Finds a container by full id, name (with or without "/"), or unambiguous start of an id. Throws `not-found` in the
 * words that Docker's clients look for, `invalid-argument` when several ids start so.
 */
export function findRecord(context: EngineContext, namespace: string, text: string): ContainerRecord {
  const { read } = context.metadata;
  const name = text.replace(/^\//, '');
  const exact = read.containers.find(namespace, name) ?? findNamed(context, namespace, name);
  if (exact !== undefined && isVisible(namespace, exact)) return exact;
  const matches = name === '' ? [] : read.containers.list(namespace).filter(({ id }) => id.startsWith(name));
  const visible = matches.filter((core) => isVisible(namespace, core));
  const [first, second] = visible;
  if (second !== undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot tell which container "${text}" is: ${visible.length} ids start so`,
    );
  if (first === undefined) throw new EngineError('not-found', `No such container: ${text}`);
  return first;
}

function findNamed(context: EngineContext, namespace: string, name: string): ContainerRecord | undefined {
  const { read } = context.metadata;
  const id = read.findName(namespace, name);
  return id === undefined ? undefined : read.containers.find(namespace, id);
}

/** As findRecord, for what only the engine's own containers can do. */
export function findContainer(context: EngineContext, namespace: string, text: string): EngineContainer {
  return asEngineContainer(namespace, findRecord(context, namespace, text));
}

/** Every container of a namespace that people may see, the engine's and others'. */
export function listRecords(context: EngineContext, namespace: string): ContainerRecord[] {
  return context.metadata.read.containers.list(namespace).filter((core) => isVisible(namespace, core));
}
