import { EngineError, isKind } from '#/base/errors.ts';
import { removeLog } from '#/client/containerd/container-log.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { findTask } from '#/client/containerd/find-container.ts';
import { removeFifos } from '#/client/containerd/process-io.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { statusName } from '#/client/containerd/task-status.ts';
import { Containers, type Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';

/** Takes a container that does not run, its ended task and its snapshot. `failed-precondition` while it runs. */
export async function deleteContainer(
  client: ContainerdClient,
  container: Container,
  { keepSnapshot }: { readonly keepSnapshot: boolean },
): Promise<void> {
  const task = await findTask(client, container.id);
  if (task !== undefined) {
    if (task.status !== Status.STOPPED && task.status !== Status.CREATED)
      throw new EngineError(
        'failed-precondition',
        `Cannot delete container "${container.id}": it is ${statusName(task.status).toLowerCase()}; "berth ctr tasks kill ${container.id}" ends it`,
      );
    await client.call(Tasks.method.delete, { containerId: container.id });
    await removeFifos(task);
  }
  await deleteRecord(client, container, keepSnapshot);
}

/** The record and its snapshot alone. */
export async function deleteRecord(
  client: ContainerdClient,
  container: Container,
  keepSnapshot: boolean,
): Promise<void> {
  const { id, snapshotKey, snapshotter } = container;
  if (!keepSnapshot && snapshotKey !== '') {
    try {
      await (await openSnapshotter(client, snapshotter)).remove(snapshotKey);
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
  }
  await client.call(Containers.method.delete, { id });
  await removeLog(client, container);
}
