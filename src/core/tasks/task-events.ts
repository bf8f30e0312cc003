import type { TypedValue } from '#/base/any.ts';
import type { CoreEvent, ForeignEvent } from '#/core/events/contract.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import * as messages from '#/gen/containerd/events/task_pb.ts';
import { unpackMessage } from '#/rpc/any.ts';

type Decode = (original: TypedValue) => CoreEvent;

const decoders: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  [
    '/tasks/create',
    (original) => {
      const { containerId, bundle, pid } = unpackMessage(messages.TaskCreateSchema, original);
      return { topic: '/tasks/create', containerId, bundle, pid, original };
    },
  ],
  [
    '/tasks/start',
    (original) => {
      const { containerId, pid } = unpackMessage(messages.TaskStartSchema, original);
      return { topic: '/tasks/start', containerId, pid, original };
    },
  ],
  [
    '/tasks/exec-added',
    (original) => {
      const { containerId, execId } = unpackMessage(messages.TaskExecAddedSchema, original);
      return { topic: '/tasks/exec-added', containerId, execId, original };
    },
  ],
  [
    '/tasks/exec-started',
    (original) => {
      const { containerId, execId, pid } = unpackMessage(messages.TaskExecStartedSchema, original);
      return { topic: '/tasks/exec-started', containerId, execId, pid, original };
    },
  ],
  [
    '/tasks/exit',
    (original) => {
      const { exitedAt, containerId, id, pid, exitStatus } = unpackMessage(messages.TaskExitSchema, original);
      return { topic: '/tasks/exit', containerId, id, pid, exitStatus, exitedAt: timeOf(exitedAt), original };
    },
  ],
  [
    '/tasks/delete',
    (original) => {
      const message = unpackMessage(messages.TaskDeleteSchema, original);
      const { containerId, pid, exitStatus } = message;
      // The container's own process is told without an id.
      const id = message.id === '' ? containerId : message.id;
      return { topic: '/tasks/delete', containerId, id, pid, exitStatus, exitedAt: timeOf(message.exitedAt), original };
    },
  ],
  [
    '/tasks/oom',
    (original) => ({
      topic: '/tasks/oom',
      containerId: unpackMessage(messages.TaskOOMSchema, original).containerId,
      original,
    }),
  ],
  [
    '/tasks/paused',
    (original) => ({
      topic: '/tasks/paused',
      containerId: unpackMessage(messages.TaskPausedSchema, original).containerId,
      original,
    }),
  ],
  [
    '/tasks/resumed',
    (original) => ({
      topic: '/tasks/resumed',
      containerId: unpackMessage(messages.TaskResumedSchema, original).containerId,
      original,
    }),
  ],
  [
    '/tasks/checkpointed',
    (original) => ({
      topic: '/tasks/checkpointed',
      containerId: unpackMessage(messages.TaskCheckpointedSchema, original).containerId,
      original,
    }),
  ],
]);

/** What a shim's event says; one that berth does not know, or that does not decode, is passed on as it is. */
export function decodeTaskEvent(topic: string, event: TypedValue): CoreEvent | ForeignEvent {
  const decode = decoders.get(topic);
  if (decode === undefined) return { topic, foreign: event };
  try {
    return decode(event);
  } catch {
    return { topic, foreign: event };
  }
}
