import type { DescMessage, Message } from '@bufbuild/protobuf';
import { createRegistry } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import type { TypedValue } from '#/base/any.ts';
import type { CoreEvent, Envelope, ForeignEvent } from '#/core/events/contract.ts';
import { eventField } from '#/core/events/event-fields.ts';
import {
  ContainerCreateSchema,
  ContainerDeleteSchema,
  ContainerUpdateSchema,
  file_containerd_events_container,
} from '#/gen/containerd/events/container_pb.ts';
import {
  ContentCreateSchema,
  ContentDeleteSchema,
  file_containerd_events_content,
} from '#/gen/containerd/events/content_pb.ts';
import {
  file_containerd_events_image,
  ImageCreateSchema,
  ImageDeleteSchema,
  ImageUpdateSchema,
} from '#/gen/containerd/events/image_pb.ts';
import {
  file_containerd_events_namespace,
  NamespaceCreateSchema,
  NamespaceDeleteSchema,
  NamespaceUpdateSchema,
} from '#/gen/containerd/events/namespace_pb.ts';
import { file_containerd_events_sandbox } from '#/gen/containerd/events/sandbox_pb.ts';
import {
  file_containerd_events_snapshot,
  SnapshotCommitSchema,
  SnapshotPrepareSchema,
  SnapshotRemoveSchema,
} from '#/gen/containerd/events/snapshot_pb.ts';
import {
  file_containerd_events_task,
  TaskCheckpointedSchema,
  TaskCreateSchema,
  TaskDeleteSchema,
  TaskExecAddedSchema,
  TaskExecStartedSchema,
  TaskExitSchema,
  TaskOOMSchema,
  TaskPausedSchema,
  TaskResumedSchema,
  TaskStartSchema,
} from '#/gen/containerd/events/task_pb.ts';
import { findAnyOfValue, packMessage, unpackMessage } from '#/rpc/any.ts';

/** An event as its `containerd.events` message; one that came as a message is passed on as it came. */
export function encodeEvent(event: CoreEvent | ForeignEvent): TypedValue {
  if ('foreign' in event) return event.foreign;
  if ('original' in event && event.original !== undefined) return event.original;
  return encodeCoreEvent(event);
}

function encodeCoreEvent(event: CoreEvent): TypedValue {
  switch (event.topic) {
    case '/namespaces/create':
      return packMessage(NamespaceCreateSchema, { name: event.name, labels: { ...event.labels } });
    case '/namespaces/update':
      return packMessage(NamespaceUpdateSchema, { name: event.name, labels: { ...event.labels } });
    case '/namespaces/delete':
      return packMessage(NamespaceDeleteSchema, { name: event.name });
    case '/images/create':
      return packMessage(ImageCreateSchema, { name: event.name, labels: { ...event.labels } });
    case '/images/update':
      return packMessage(ImageUpdateSchema, { name: event.name, labels: { ...event.labels } });
    case '/images/delete':
      return packMessage(ImageDeleteSchema, { name: event.name });
    case '/content/create':
      return packMessage(ContentCreateSchema, { digest: event.digest, size: BigInt(event.size) });
    case '/content/delete':
      return packMessage(ContentDeleteSchema, { digest: event.digest });
    case '/snapshot/prepare':
      return packMessage(SnapshotPrepareSchema, event);
    case '/snapshot/commit':
      return packMessage(SnapshotCommitSchema, event);
    case '/snapshot/remove':
      return packMessage(SnapshotRemoveSchema, event);
    case '/containers/create':
    case '/containers/update':
    case '/containers/delete':
      return encodeContainerEvent(event);
    default:
      return encodeTaskEvent(event);
  }
}

type ContainerEvent = Extract<CoreEvent, { topic: `/containers/${string}` }>;

function encodeContainerEvent(event: ContainerEvent): TypedValue {
  switch (event.topic) {
    case '/containers/create': {
      const options = findAnyOfValue(event.runtime.options);
      const runtime = { name: event.runtime.name, ...(options === undefined ? {} : { options }) };
      return packMessage(ContainerCreateSchema, { id: event.id, image: event.image, runtime });
    }
    case '/containers/update': {
      const { id, image, snapshotKey } = event;
      return packMessage(ContainerUpdateSchema, { id, image, snapshotKey, labels: { ...event.labels } });
    }
    case '/containers/delete':
      return packMessage(ContainerDeleteSchema, { id: event.id });
  }
}

type TaskEvent = Extract<CoreEvent, { readonly containerId: string }>;

function encodeTaskEvent(event: TaskEvent): TypedValue {
  const { containerId } = event;
  switch (event.topic) {
    case '/tasks/create':
      return packMessage(TaskCreateSchema, { containerId, bundle: event.bundle, pid: event.pid });
    case '/tasks/start':
      return packMessage(TaskStartSchema, { containerId, pid: event.pid });
    case '/tasks/exec-added':
      return packMessage(TaskExecAddedSchema, { containerId, execId: event.execId });
    case '/tasks/exec-started':
      return packMessage(TaskExecStartedSchema, { containerId, execId: event.execId, pid: event.pid });
    case '/tasks/exit':
    case '/tasks/delete': {
      const { id, pid, exitStatus } = event;
      const schema = event.topic === '/tasks/exit' ? TaskExitSchema : TaskDeleteSchema;
      return packMessage(schema, { containerId, id, pid, exitStatus, exitedAt: timestampOf(event.exitedAt) });
    }
    case '/tasks/oom':
      return packMessage(TaskOOMSchema, { containerId });
    case '/tasks/paused':
      return packMessage(TaskPausedSchema, { containerId });
    case '/tasks/resumed':
      return packMessage(TaskResumedSchema, { containerId });
    case '/tasks/checkpointed':
      return packMessage(TaskCheckpointedSchema, { containerId });
  }
}

const known = createRegistry(
  file_containerd_events_container,
  file_containerd_events_content,
  file_containerd_events_image,
  file_containerd_events_namespace,
  file_containerd_events_sandbox,
  file_containerd_events_snapshot,
  file_containerd_events_task,
);

/** A field as filters name it; events that clients published are looked into when their type is one of containerd's. */
export function readEventField(envelope: Envelope, path: readonly string[]): string | undefined {
  const [first, ...rest] = path;
  if (first !== 'event' || !('foreign' in envelope.event)) return eventField(envelope, path);
  const { foreign } = envelope.event;
  const schema = known.getMessage(foreign.typeUrl.slice(foreign.typeUrl.lastIndexOf('/') + 1));
  return schema === undefined ? undefined : readField(schema, foreign, rest);
}

function readField(schema: DescMessage, value: TypedValue, path: readonly string[]): string | undefined {
  let message: Message;
  try {
    message = unpackMessage(schema, value);
  } catch {
    // Published with bytes that are not of its type: it has no fields.
    return undefined;
  }
  return fieldText(schema, message, path);
}

function fieldText(schema: DescMessage, message: Message, path: readonly string[]): string | undefined {
  const [name, ...rest] = path;
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (field === undefined) return undefined;
  const view = reflect(schema, message);
  if (field.fieldKind === 'map') {
    const text = view.get(field).get(rest.join('.'));
    return typeof text === 'string' ? text : undefined;
  }
  if (field.fieldKind === 'message') {
    return view.isSet(field) ? fieldText(field.message, view.get(field).message, rest) : undefined;
  }
  if (field.fieldKind !== 'scalar' || rest.length > 0) return undefined;
  const scalar = view.get(field);
  return typeof scalar === 'string' || typeof scalar === 'number' ? String(scalar) : undefined;
}
