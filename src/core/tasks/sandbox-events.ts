import type { MessageInitShape } from '@bufbuild/protobuf';
import type { TaskKey } from '#/core/tasks/context.ts';
import type { SandboxExit } from '#/core/tasks/sandbox-contract.ts';
import type { TaskHost } from '#/core/tasks/task-host.ts';
import { wireTime } from '#/core/tasks/timestamp.ts';
import { SandboxCreateSchema, SandboxExitSchema, SandboxStartSchema } from '#/gen/containerd/events/sandbox_pb.ts';
import { packMessage } from '#/rpc/any.ts';

/** What is told of sandboxes; shims tell nothing of them. */
export function tellCreated({ context }: TaskHost, { namespace, id }: TaskKey): void {
  context.events.publish(namespace, {
    topic: '/sandboxes/create',
    foreign: packMessage(SandboxCreateSchema, { sandboxId: id }),
  });
}

export function tellStarted({ context }: TaskHost, { namespace, id }: TaskKey): void {
  context.events.publish(namespace, {
    topic: '/sandboxes/start',
    foreign: packMessage(SandboxStartSchema, { sandboxId: id }),
  });
}

export function tellExited({ context }: TaskHost, { namespace, id }: TaskKey, exit: SandboxExit): void {
  const message: MessageInitShape<typeof SandboxExitSchema> = {
    sandboxId: id,
    exitStatus: exit.exitStatus,
    exitedAt: wireTime(exit.exitedAt),
  };
  context.events.publish(namespace, { topic: '/sandboxes/exit', foreign: packMessage(SandboxExitSchema, message) });
}
