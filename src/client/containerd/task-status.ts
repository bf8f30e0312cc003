import { Status } from '#/gen/containerd/types/task/task_pb.ts';

/** `RUNNING`: the name of a task's state; what a newer daemon made up is shown as its number. */
export function statusName(status: Status): string {
  return Object.entries(Status).find(([, value]) => value === status)?.[0] ?? String(status);
}
