import { checkLabels } from '#/core/metadata/label-limits.ts';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import { required } from '#/api/containerd/request-scope.ts';
import { EngineError } from '#/base/errors.ts';
import { checkIdentifier } from '#/base/identifier.ts';
import type { NamespaceRecord } from '#/core/metadata/contract.ts';
import { applyLabels, parseFieldMask, type FieldMask } from '#/core/metadata/field-mask.ts';
import type { Namespace } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** Namespaces come into being by use, so asking for an unknown one is no error. */
export function namespacesService({ metadata, events }: ContainerdCore): BoundService {
  const find = (name: string): NamespaceRecord => metadata.read.findNamespace(name) ?? { name, labels: {} };
  return bindService(Namespaces, {
    get: ({ name }) => ({ namespace: wireNamespace(find(name)) }),
    list: () => ({ namespaces: metadata.read.listNamespaces().map(wireNamespace) }),
    async create({ namespace }) {
      const record = readNamespace(namespace);
      await metadata.write((tx) => tx.createNamespace(record));
      events.publish(record.name, { topic: '/namespaces/create', ...record });
      return { namespace: wireNamespace(record) };
    },
    async update({ namespace, updateMask }) {
      const wanted = readNamespace(namespace);
      const mask = readMask(updateMask?.paths ?? []);
      const record = await metadata.write((tx) => {
        const before = tx.findNamespace(wanted.name)?.labels ?? {};
        const labels = checkLabels(`namespace "${wanted.name}"`, applyLabels(mask, before, wanted.labels));
        const changed = { name: wanted.name, labels };
        tx.putNamespace(changed);
        return changed;
      });
      events.publish(record.name, { topic: '/namespaces/update', name: record.name, labels: wanted.labels });
      return { namespace: wireNamespace(record) };
    },
    async delete({ name }) {
      await metadata.write((tx) => tx.deleteNamespace(name));
      events.publish(name, { topic: '/namespaces/delete', name });
      return {};
    },
  });
}

/** Labels one by one, or all when nothing is named: `labels` alone, which means that elsewhere, is no path here. */
function readMask(paths: readonly string[]): FieldMask {
  if (!paths.includes('labels')) return parseFieldMask(paths, { fields: [], maps: ['labels'] });
  throw new EngineError('invalid-argument', 'Cannot update field "labels" of a namespace: name each label, or nothing');
}

function readNamespace(given: Namespace | undefined): NamespaceRecord {
  const { name, labels } = required('namespace', given);
  checkIdentifier('a namespace', name);
  return { name, labels: checkLabels(`namespace "${name}"`, { ...labels }) };
}

const wireNamespace = ({ name, labels }: NamespaceRecord): { name: string; labels: Record<string, string> } => ({
  name,
  labels: { ...labels },
});
