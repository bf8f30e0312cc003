import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import { namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { LeaseRecord, LeaseResource } from '#/core/metadata/contract.ts';
import type { LeaseSchema } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { isDigest } from '#/oci/digest.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** Leases keep resources, also those that do not exist yet. */
export function leasesService({ metadata, garbage }: ContainerdCore): BoundService {
  const { leases } = metadata.read;
  return bindService(Leases, {
    async create({ id, labels }, context) {
      const namespace = namespaceOf(context);
      const name = id === '' ? `${now()}-${newToken(2)}` : checkLeaseId(id);
      const record = { id: name, labels: checkLabels(`lease "${name}"`, { ...labels }), createdAt: now() };
      await metadata.write((tx) => tx.leases.create(namespace, record));
      return { lease: wireLease(record) };
    },
    async delete({ id, sync }, context) {
      const namespace = namespaceOf(context);
      await metadata.write((tx) => tx.leases.delete(namespace, id));
      if (sync) await garbage.collect();
      return {};
    },
    list: ({ filters }, context) => ({
      leases: selectRecords(leases.list(namespaceOf(context)), filters, ({ id, labels }) => ({ id, labels })).map(
        wireLease,
      ),
    }),
    async addResource({ id, resource }, context) {
      const namespace = namespaceOf(context);
      leases.get(namespace, id);
      const added = checkResource(required('resource', resource));
      await metadata.write((tx) => tx.addLeaseResource(namespace, id, added));
      return {};
    },
    async deleteResource({ id, resource }, context) {
      const namespace = namespaceOf(context);
      leases.get(namespace, id);
      const removed = checkResource(required('resource', resource));
      await metadata.write((tx) => tx.removeLeaseResource(namespace, id, removed));
      garbage.noteDeletion();
      return {};
    },
    listResources({ id }, context) {
      const namespace = namespaceOf(context);
      leases.get(namespace, id);
      return { resources: metadata.read.leaseResources(namespace, id).map((resource) => ({ ...resource })) };
    },
  });
}

const longestId = 512;

/** Go's clients make ids of random base64, so they are no identifiers, and never part of a path. */
function checkLeaseId(id: string): string {
  if (id.length <= longestId) return id;
  throw new EngineError('invalid-argument', `Cannot make a lease: its id has more than ${longestId} characters`);
}

/** A type is one of `content`, `ingests`, `images`, or `snapshots/` and a snapshotter's name. */
function checkResource({ type, id }: LeaseResource): LeaseResource {
  const [kind, snapshotter, ...more] = type.split('/');
  const bad = (why: string): EngineError =>
    new EngineError('invalid-argument', `Cannot lease resource "${id}" of type "${type}": ${why}`);
  if (id === '') throw bad('it has no id');
  switch (kind) {
    case 'snapshots':
      if (snapshotter === undefined || snapshotter === '' || more.length > 0)
        throw bad('the type of a snapshot is "snapshots/" and its snapshotter');
      return { type, id };
    case 'content':
      if (snapshotter !== undefined) throw bad('the type has a part too many');
      if (!isDigest(id)) throw bad('content is leased by digest');
      return { type, id };
    case 'ingests':
    case 'images':
      if (snapshotter !== undefined) throw bad('the type has a part too many');
      return { type, id };
    default:
      throw new EngineError('unimplemented', `Cannot lease resource "${id}": there is no resource type "${type}"`);
  }
}

function wireLease({ id, createdAt, labels }: LeaseRecord): MessageInitShape<typeof LeaseSchema> {
  return { id, createdAt: timestampOf(createdAt), labels: { ...labels } };
}
