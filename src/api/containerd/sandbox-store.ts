import type { ContainerdCore } from '#/api/containerd/core.ts';
import { namespaceOf, required } from '#/api/containerd/request-scope.ts';
import { changeSandbox, newSandbox, wireSandbox } from '#/api/containerd/sandbox-records.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import { Store } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** Records of sandboxes. Deleting one does not look at what runs: clients do. */
export function sandboxStoreService({ metadata }: ContainerdCore): BoundService {
  const { sandboxes } = metadata.read;
  return bindService(Store, {
    get: ({ sandboxId }, context) => ({ sandbox: wireSandbox(sandboxes.get(namespaceOf(context), sandboxId)) }),
    list({ filters }, context) {
      const fieldsOf = ({
        id,
        labels,
      }: {
        readonly id: string;
        readonly labels: Readonly<Record<string, string>>;
      }) => ({
        id,
        labels,
      });
      return { list: selectRecords(sandboxes.list(namespaceOf(context)), filters, fieldsOf).map(wireSandbox) };
    },
    async create({ sandbox }, context) {
      const namespace = namespaceOf(context);
      const record = newSandbox(required('sandbox', sandbox));
      await metadata.write((tx) => tx.sandboxes.create(namespace, record));
      return { sandbox: wireSandbox(record) };
    },
    async update({ sandbox, fields }, context) {
      const namespace = namespaceOf(context);
      const wanted = required('sandbox', sandbox);
      const record = await metadata.write((tx) => {
        const changed = changeSandbox(tx.sandboxes.get(namespace, wanted.sandboxId), wanted, fields);
        tx.sandboxes.update(namespace, changed);
        return changed;
      });
      return { sandbox: wireSandbox(record) };
    },
    async delete({ sandboxId }, context) {
      const namespace = namespaceOf(context);
      await metadata.write((tx) => tx.sandboxes.delete(namespace, sandboxId));
      return {};
    },
  });
}
