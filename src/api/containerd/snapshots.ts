import type { MessageInitShape } from '@bufbuild/protobuf';
import { batchesOf } from '#/api/containerd/batches.ts';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { wireMounts } from '#/api/containerd/descriptors.ts';
import type { FilterFields } from '#/api/containerd/select-records.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import { leaseOf, namespaceOf, releaseFrom, required } from '#/api/containerd/request-scope.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { SnapshotKind, SnapshotRecord } from '#/core/metadata/contract.ts';
import { applyLabels, parseFieldMask } from '#/core/metadata/field-mask.ts';
import type { PrepareOptions, Snapshotter } from '#/core/snapshots/contract.ts';
import type { InfoSchema } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { Kind, Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { BoundService, CallContext, ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

type Functions = Partial<ServiceFunctions<typeof Snapshots>>;

/** The snapshotters of this daemon, by the name in each request. */
export function snapshotsService(core: ContainerdCore): BoundService {
  return bindService(Snapshots, { ...making(core), ...ending(core), ...looking(core) });
}

function making(core: ContainerdCore): Functions {
  return {
    async prepare({ snapshotter: name, key, parent, labels }, context) {
      const namespace = namespaceOf(context);
      const snapshotter = snapshotterOf(core, name);
      const options = prepareOptions(labels, context);
      const mounts = await snapshotter.prepare(namespace, key, parent, options);
      core.events.publish(namespace, { topic: '/snapshot/prepare', key, parent, snapshotter: name });
      return { mounts: wireMounts(mounts) };
    },
    async view({ snapshotter, key, parent, labels }, context) {
      const namespace = namespaceOf(context);
      const options = prepareOptions(labels, context);
      return { mounts: wireMounts(await snapshotterOf(core, snapshotter).view(namespace, key, parent, options)) };
    },
    async commit({ snapshotter, name, key, labels, parent }, context) {
      const namespace = namespaceOf(context);
      const options = { ...prepareOptions(labels, context), parent };
      await snapshotterOf(core, snapshotter).commit(namespace, name, key, options);
      core.events.publish(namespace, { topic: '/snapshot/commit', key, name, snapshotter });
      return {};
    },
  };
}

function ending(core: ContainerdCore): Functions {
  return {
    async remove({ snapshotter, key }, context) {
      const namespace = namespaceOf(context);
      await snapshotterOf(core, snapshotter).remove(namespace, key);
      if (leaseOf(context).lease !== undefined)
        await core.metadata.write((tx) => releaseFrom(tx, context, { type: `snapshots/${snapshotter}`, id: key }));
      core.events.publish(namespace, { topic: '/snapshot/remove', key, snapshotter });
      return {};
    },
    async cleanup({ snapshotter }, context) {
      namespaceOf(context);
      await snapshotterOf(core, snapshotter).cleanup();
      return {};
    },
  };
}

function looking(core: ContainerdCore): Functions {
  return {
    async mounts({ snapshotter, key }, context) {
      return { mounts: wireMounts(await snapshotterOf(core, snapshotter).mounts(namespaceOf(context), key)) };
    },
    async stat({ snapshotter, key }, context) {
      return { info: wireInfo(await snapshotterOf(core, snapshotter).stat(namespaceOf(context), key)) };
    },
    async update({ snapshotter, info, updateMask }, context) {
      const namespace = namespaceOf(context);
      const { name, labels } = required('info', info);
      const mask = parseFieldMask(updateMask?.paths ?? [], { fields: [], maps: ['labels'] });
      const record = await snapshotterOf(core, snapshotter).setLabels(namespace, name, (before) =>
        checkLabels(`snapshot "${name}"`, applyLabels(mask, before, labels)),
      );
      return { info: wireInfo(record) };
    },
    async *list({ snapshotter, filters }, context) {
      const all = await snapshotterOf(core, snapshotter).list(namespaceOf(context));
      const found = selectRecords(all, filters, fieldsOf);
      for (const batch of batchesOf(found)) yield { info: batch.map(wireInfo) };
    },
    async usage({ snapshotter, key }, context) {
      const { size, inodes } = await snapshotterOf(core, snapshotter).usage(namespaceOf(context), key);
      return { size: BigInt(size), inodes: BigInt(inodes) };
    },
  };
}

function snapshotterOf({ snapshotters }: ContainerdCore, name: string): Snapshotter {
  const snapshotter = snapshotters.get(name);
  if (snapshotter !== undefined) return snapshotter;
  throw new EngineError('invalid-argument', `Cannot use snapshotter "${name}": snapshotter not loaded: ${name}`);
}

function prepareOptions(labels: Labels, context: CallContext): PrepareOptions {
  return { labels: checkLabels('a snapshot', { ...labels }), ...leaseOf(context) };
}

const fieldsOf = ({ kind, key, parent, labels }: SnapshotRecord): FilterFields => ({ kind, name: key, parent, labels });

const kinds: Readonly<Record<SnapshotKind, Kind>> = {
  view: Kind.VIEW,
  active: Kind.ACTIVE,
  committed: Kind.COMMITTED,
};

function wireInfo(record: SnapshotRecord): MessageInitShape<typeof InfoSchema> {
  return {
    name: record.key,
    parent: record.parent,
    kind: kinds[record.kind],
    labels: { ...record.labels },
    createdAt: timestampOf(record.createdAt),
    updatedAt: timestampOf(record.updatedAt),
  };
}
