import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { changeContainer, newContainer } from '#/api/containerd/container-records.ts';
import type { FilterFields } from '#/api/containerd/select-records.ts';
import { present, selectRecords } from '#/api/containerd/select-records.ts';
import { namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { EngineError } from '#/base/errors.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import {
  Containers,
  ContainerSchema,
  ListContainerMessageSchema,
  ListContainersResponseSchema,
} from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { anyOfValue, findAnyOfValue } from '#/rpc/any.ts';
import { encodeOnce, messageOfItems } from '#/rpc/encoded-fields.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

const inList = { schema: ListContainersResponseSchema, number: ListContainersResponseSchema.field.containers.number };
const inStream = { schema: ListContainerMessageSchema, number: ListContainerMessageSchema.field.container.number };

/** Container records. Deleting one does not look at tasks: clients do. */
export function containersService({ metadata, events }: ContainerdCore): BoundService {
  const { containers } = metadata.read;
  const encode = encodeOnce(ContainerSchema, wireContainer);
  const listed = (namespace: string, filters: readonly string[]): ContainerRecord[] =>
    selectRecords(containers.list(namespace), filters, fieldsOf);
  return bindService(Containers, {
    get: ({ id }, context) => ({ container: wireContainer(containers.get(namespaceOf(context), id)) }),
    list: ({ filters }, context) =>
      messageOfItems(inList.schema, inList.number, listed(namespaceOf(context), filters).map(encode)),
    async *listStream({ filters }, context) {
      for (const record of listed(namespaceOf(context), filters))
        yield messageOfItems(inStream.schema, inStream.number, [encode(record)]);
    },
    async create({ container }, context) {
      const namespace = namespaceOf(context);
      const record = newContainer(required('container', container));
      await metadata.write((tx) => tx.containers.create(namespace, record));
      const { id, image, runtime } = record;
      events.publish(namespace, { topic: '/containers/create', id, image, runtime });
      return { container: wireContainer(record) };
    },
    async update({ container, updateMask }, context) {
      const namespace = namespaceOf(context);
      const wanted = required('container', container);
      if (wanted.id === '') throw new EngineError('invalid-argument', 'Cannot update a container: it has no id');
      const record = await metadata.write((tx) => {
        const changed = changeContainer(tx.containers.get(namespace, wanted.id), wanted, updateMask?.paths ?? []);
        tx.containers.update(namespace, changed);
        return changed;
      });
      const { id, image, labels, snapshotKey } = record;
      events.publish(namespace, { topic: '/containers/update', id, image, labels, snapshotKey });
      return { container: wireContainer(record) };
    },
    async delete({ id }, context) {
      const namespace = namespaceOf(context);
      await metadata.write((tx) => tx.containers.delete(namespace, id));
      events.publish(namespace, { topic: '/containers/delete', id });
      return {};
    },
  });
}

const fieldsOf = ({ id, image, runtime, labels }: ContainerRecord): FilterFields => ({
  id,
  image: present(image),
  runtime: { name: runtime.name },
  labels,
});

function wireContainer(record: ContainerRecord): MessageInitShape<typeof ContainerSchema> {
  const { id, image, snapshotter, snapshotKey, sandbox } = record;
  const options = findAnyOfValue(record.runtime.options);
  const extensions = Object.entries(record.extensions).map(([key, value]) => [key, anyOfValue(value)] as const);
  return {
    id,
    image,
    snapshotter,
    snapshotKey,
    sandbox,
    labels: { ...record.labels },
    runtime: { name: record.runtime.name, ...(options === undefined ? {} : { options }) },
    spec: anyOfValue(record.spec),
    extensions: Object.fromEntries(extensions),
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
  };
}
