import type { TaskIo } from '#/cli/ctr/run/task-io.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Containers, type Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';

/** Where the output of a container is kept, noted on its record: the log outlives the task. */
const logLabel = 'berth/ctr-log';

export function logLabels(io: TaskIo): Record<string, string> {
  return io.kind === 'paths' && io.paths.stdout.startsWith('file:///') ? { [logLabel]: io.paths.stdout } : {};
}

/** The path of a container's log, if it has one that we can read. */
export function findLog({ labels }: Pick<Container, 'labels'>): string | undefined {
  const uri = labels[logLabel];
  return uri === undefined ? undefined : decodeURIComponent(new URL(uri).pathname);
}

/** Notes it on a container that was made before. */
export async function labelLog(client: ContainerdClient, { id }: Pick<Container, 'id'>, io: TaskIo): Promise<void> {
  const labels = logLabels(io);
  if (Object.keys(labels).length === 0) return;
  const paths = [`labels.${logLabel}`];
  await client.call(Containers.method.update, { container: { id, labels }, updateMask: { paths } });
}
