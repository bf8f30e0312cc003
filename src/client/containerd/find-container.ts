import { EngineError, isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Containers, type Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { Process } from '#/gen/containerd/types/task/task_pb.ts';

/** Where other clients of containerd keep the names that people gave. */
const nameLabels = ['nerdctl/name', 'io.kubernetes.container.name'];

/** By id, by the name another client gave it, or by a beginning of its id that no other has. Throws `not-found`. */
export async function getContainer(client: ContainerdClient, word: string): Promise<Container> {
  try {
    const { container } = await client.call(Containers.method.get, { id: word });
    if (container !== undefined) return container;
  } catch (error) {
    if (!isKind(error, 'not-found') && !isKind(error, 'invalid-argument')) throw error;
  }
  const { containers } = await client.call(Containers.method.list, {});
  const named = containers.filter(({ labels }) => nameLabels.some((label) => labels[label] === word));
  const meant = named.length > 0 ? named : containers.filter(({ id }) => word !== '' && id.startsWith(word));
  const [only, second] = meant;
  if (second !== undefined)
    throw new EngineError(
      'invalid-argument',
      `Cannot tell which container is meant by "${word}": ${meant.length} begin so; give more of the id`,
    );
  if (only !== undefined) return only;
  throw new EngineError(
    'not-found',
    `Cannot find container "${word}" in namespace "${client.namespace}"; "berth ctr containers ls" shows what is there`,
  );
}

/** Undefined when nothing runs of it. */
export async function findTask(client: ContainerdClient, containerId: string): Promise<Process | undefined> {
  try {
    return (await client.call(Tasks.method.get, { containerId })).process;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Throws `not-found` when nothing runs of it. */
export async function getTask(client: ContainerdClient, containerId: string): Promise<Process> {
  const task = await findTask(client, containerId);
  if (task !== undefined) return task;
  throw new EngineError(
    'not-found',
    `Cannot find a task of container "${containerId}": it is not running; "berth ctr tasks start ${containerId}" starts it`,
  );
}
