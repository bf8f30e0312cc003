import type { CoreEvent, Envelope } from '#/core/events/contract.ts';

type KeysOf<T> = T extends unknown ? keyof T : never;

/** The text fields of `containerd.events` messages, and the property of CoreEvent that holds each. */
const properties: Readonly<Record<string, KeysOf<CoreEvent>>> = {
  name: 'name',
  labels: 'labels',
  digest: 'digest',
  size: 'size',
  id: 'id',
  image: 'image',
  runtime: 'runtime',
  snapshot_key: 'snapshotKey',
  key: 'key',
  parent: 'parent',
  snapshotter: 'snapshotter',
  container_id: 'containerId',
  exec_id: 'execId',
  bundle: 'bundle',
  pid: 'pid',
  exit_status: 'exitStatus',
};

/**
 * A field of an envelope as filters name it: `namespace`, `topic`, or `event.` and a field of the event's
 * `containerd.events` message (`event.container_id`, `event.labels.<key>`, numbers in decimal). Undefined when there is
 * no such field; events that berth does not know have none.
 */
export function eventField(envelope: Envelope, path: readonly string[]): string | undefined {
  const [first, second, ...rest] = path;
  if (first === 'namespace' && second === undefined) return envelope.namespace;
  if (first === 'topic' && second === undefined) return envelope.event.topic;
  if (first !== 'event' || second === undefined || 'foreign' in envelope.event) return undefined;
  const property = own(properties, second);
  const value = typeof property === 'string' ? own(envelope.event, property) : undefined;
  if (typeof value === 'object' && value !== null) return textOf(own(value, rest.join('.')));
  return rest.length === 0 ? textOf(value) : undefined;
}

function own(value: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : undefined;
}
