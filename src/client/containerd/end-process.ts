import { isKind } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';

export interface ProcessName {
  readonly containerId: string;
  /** '' is the container's first process. */
  readonly execId: string;
}

const kill = 9;

/** Kills a process and waits for its end; one that has ended already is fine. */
export async function endProcess(client: ContainerdClient, process: ProcessName): Promise<void> {
  try {
    const waiting = client.call(Tasks.method.wait, process);
    waiting.catch(() => {});
    await client.call(Tasks.method.kill, { ...process, signal: kill, all: process.execId === '' });
    await waiting;
  } catch (error) {
    if (!isKind(error, 'not-found') && !isKind(error, 'failed-precondition')) throw error;
  }
}
