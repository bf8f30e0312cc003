import { now } from '#/base/clock.ts';
import { EngineError, isKind } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { Events } from '#/core/events/contract.ts';
import type { ContainerRecord, Metadata } from '#/core/metadata/contract.ts';
import { countLabel, logUriLabel, restartCount } from '#/core/restart/restart-policy.ts';
import type { Mount, Snapshotters } from '#/core/snapshots/contract.ts';
import type { Stdio, Tasks } from '#/core/tasks/contract.ts';

export interface RestartParts {
  readonly metadata: Metadata;
  readonly snapshotters: Snapshotters;
  readonly events: Events;
  readonly tasks: Tasks;
  readonly logger: Logger;
}

const sigkill = 9;

/** Starts a new task of a container, as its creator would: with its own root, and the log that its label names. */
export async function startContainer(
  parts: RestartParts,
  namespace: string,
  container: ContainerRecord,
  signal: AbortSignal,
): Promise<void> {
  const spec = readSpec(container);
  const stdio = stdioOf(container, spec.process?.terminal === true);
  await countRestart(parts, namespace, container.id);
  await stopTask(parts, namespace, container.id, signal);
  const rootfs = await rootOf(parts, namespace, container, spec.linux?.mountLabel ?? '');
  signal.throwIfAborted();
  await parts.tasks.create(namespace, container.id, { rootfs, stdio });
  await parts.tasks.start({ namespace, id: container.id, execId: '' });
}

/** Ends and deletes a container's task, if it has one. */
export async function stopTask(
  { tasks }: Pick<RestartParts, 'tasks'>,
  namespace: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  if (!tasks.has(namespace, id)) return;
  const process = { namespace, id, execId: '' };
  try {
    await tasks.kill(process, sigkill, { all: true });
    await tasks.wait(process, signal);
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
  }
  await tasks.delete(namespace, id);
}

async function countRestart({ metadata, events }: RestartParts, namespace: string, id: string): Promise<void> {
  const { image, labels, snapshotKey } = await metadata.write((tx) => {
    const before = tx.containers.get(namespace, id);
    const count = String((restartCount(before.labels) ?? 0) + 1);
    const after = { ...before, labels: { ...before.labels, [countLabel]: count }, updatedAt: now() };
    tx.containers.update(namespace, after);
    return after;
  });
  events.publish(namespace, { topic: '/containers/update', id, image, labels, snapshotKey });
}

interface PartOfSpec {
  readonly process?: { readonly terminal?: boolean };
  readonly linux?: { readonly mountLabel?: string };
}

function readSpec({ id, spec }: ContainerRecord): PartOfSpec {
  try {
    return JSON.parse(Buffer.from(spec.value).toString()) as PartOfSpec;
  } catch (cause) {
    throw new EngineError('invalid-argument', `Cannot restart container "${id}": its spec is no JSON`, { cause });
  }
}

/** A terminal has no stderr of its own. Without a log, output goes nowhere. */
function stdioOf({ id, labels }: ContainerRecord, terminal: boolean): Stdio {
  const uri = labels[logUriLabel] ?? '';
  if (uri === '') return { terminal: false, stdin: '', stdout: '', stderr: '' };
  if (!URL.canParse(uri))
    throw new EngineError('invalid-argument', `Cannot restart container "${id}": its log "${uri}" is no URI`);
  return { terminal, stdin: '', stdout: uri, stderr: terminal ? '' : uri };
}

async function rootOf(
  { snapshotters }: RestartParts,
  namespace: string,
  { id, snapshotter, snapshotKey }: ContainerRecord,
  mountLabel: string,
): Promise<Mount[]> {
  if (snapshotKey === '') return [];
  const keeper = snapshotters.get(snapshotter);
  if (keeper === undefined)
    throw new EngineError(
      'failed-precondition',
      `Cannot restart container "${id}": there is no snapshotter "${snapshotter}"`,
    );
  const mounts = await keeper.mounts(namespace, snapshotKey);
  if (mountLabel === '') return mounts;
  return mounts.map((mount) => ({ ...mount, options: [...mount.options, `context=${JSON.stringify(mountLabel)}`] }));
}
