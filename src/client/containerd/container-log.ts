import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Containers, type Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';

/** Where the output of a container is kept, noted on its record: the log outlives the task. */
const logLabel = 'berth/ctr-log';

/** The label for output that goes to a file; none for output that goes elsewhere. */
export function logLabels(stdout: string): Record<string, string> {
  return stdout.startsWith('file:///') ? { [logLabel]: stdout } : {};
}

/** Notes it on a container that was made before. */
export async function labelLog(client: ContainerdClient, { id }: Pick<Container, 'id'>, stdout: string): Promise<void> {
  const labels = logLabels(stdout);
  if (Object.keys(labels).length === 0) return;
  const paths = [`labels.${logLabel}`];
  await client.call(Containers.method.update, { container: { id, labels }, updateMask: { paths } });
}

/** The path of a container's log, if it has one that we can read. */
export function findLog({ labels }: Pick<Container, 'labels'>): string | undefined {
  const uri = labels[logLabel];
  return uri === undefined ? undefined : decodeURIComponent(new URL(uri).pathname);
}

/** The log goes with its container, if it is where we put such logs: one that a person chose is the person's. */
export async function removeLog(client: ContainerdClient, container: Pick<Container, 'id' | 'labels'>): Promise<void> {
  const path = findLog(container);
  if (path === logPath(client, container.id)) await rm(path, { force: true });
}

/** Beside the daemon's socket. */
export function logPath({ address, namespace }: Pick<ContainerdClient, 'address' | 'namespace'>, id: string): string {
  return join(dirname(address.replace(/^unix:\/\//, '')), 'logs', namespace, `${id}.log`);
}
