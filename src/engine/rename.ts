import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { asEngineContainer, withRecord } from '#/engine/container-record.ts';
import { announce, type EngineContext } from '#/engine/context.ts';
import { checkName, reserveName } from '#/engine/container-name.ts';
import { findContainer } from '#/engine/find-container.ts';

/** Gives a container another name; both names change hands in one transaction. */
export async function renameContainer(
  context: EngineContext,
  namespace: string,
  name: string,
  newName: string,
): Promise<void> {
  const container = findContainer(context, namespace, name);
  const wanted = checkName(newName.replace(/^\//, ''));
  const { id, record } = container;
  if (wanted === record.name)
    throw new EngineError(
      'invalid-argument',
      `Cannot rename container "${name}": Renaming a container with the same name as its current name`,
    );
  const core = await context.metadata.write((tx) => {
    reserveName(tx, { namespace, name: wanted, id });
    tx.releaseName(namespace, record.name);
    const latest = asEngineContainer(namespace, tx.containers.get(namespace, id));
    const renamed = { ...withRecord(latest, { ...latest.record, name: wanted }), updatedAt: now() };
    tx.containers.update(namespace, renamed);
    return renamed;
  });
  announce(context, asEngineContainer(namespace, core), 'rename', { oldName: `/${record.name}` });
}
