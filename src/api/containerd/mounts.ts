import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { targetedMountsOf, wireMounts } from '#/api/containerd/descriptors.ts';
import { leaseOf, namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import { timestampOf } from '#/api/containerd/timestamps.ts';
import { applyLabels, parseFieldMask } from '#/core/metadata/field-mask.ts';
import type { ActivationRecord } from '#/core/metadata/contract.ts';
import { Mounts } from '#/gen/containerd/services/mounts/v1/mounts_pb.ts';
import type { ActivationInfoSchema } from '#/gen/containerd/types/mount_pb.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** Mounts that the daemon makes. `unimplemented` from Activate tells clients to mount as they always did. */
export function mountsService({ mounts }: ContainerdCore): BoundService {
  return bindService(Mounts, {
    async activate({ name, mounts: wires, labels, temporary }, context) {
      const options = { labels: { ...labels }, temporary, ...leaseOf(context) };
      const record = await mounts.activate(namespaceOf(context), name, targetedMountsOf(wires), options);
      return { info: wireActivation(record) };
    },
    async deactivate({ name }, context) {
      await mounts.deactivate(namespaceOf(context), name);
      return {};
    },
    info: ({ name }, context) => ({ info: wireActivation(mounts.get(namespaceOf(context), name)) }),
    async update({ info, updateMask }, context) {
      const namespace = namespaceOf(context);
      const { name, labels: given } = required('mounts', info);
      const mask = parseFieldMask(updateMask?.paths ?? [], { fields: [], maps: ['labels'] });
      const record = await mounts.setLabels(namespace, name, (labels) => applyLabels(mask, labels, given));
      return { info: wireActivation(record) };
    },
    async *list({ filters }, context) {
      const records = mounts.list(namespaceOf(context));
      for (const record of selectRecords(records, filters, ({ name, labels }) => ({ name, labels })))
        yield { info: wireActivation(record) };
    },
  });
}

function wireActivation(record: ActivationRecord): MessageInitShape<typeof ActivationInfoSchema> {
  const { name, labels, active, system } = record;
  return {
    name,
    labels: { ...labels },
    active: active.map(({ mount, mountPoint, mountedAt }) => ({
      mount: { target: '', ...mount, options: [...mount.options] },
      mountPoint,
      mountedAt: timestampOf(BigInt(mountedAt)),
    })),
    system: wireMounts(system),
  };
}
