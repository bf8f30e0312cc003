import { readlink } from 'node:fs/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import type { FilterFields } from '#/api/containerd/select-records.ts';
import { present, selectRecords } from '#/api/containerd/select-records.ts';
import type { Plugin } from '#/api/containerd/plugins.ts';
import { EngineError } from '#/base/errors.ts';
import type { PluginSchema } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { formatPlatform } from '#/oci/platform.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

/** What the daemon is made of. Clients refuse to work without some of the entries (plugins.ts says which). */
export function introspectionService({ identity }: ContainerdCore, plugins: () => readonly Plugin[]): BoundService {
  return bindService(Introspection, {
    plugins: ({ filters }) => ({ plugins: selectRecords(plugins(), filters, fieldsOf).map(wirePlugin) }),
    server: async () => ({ uuid: identity.uuid, pid: BigInt(process.pid), pidns: await pidNamespace() }),
    pluginInfo({ type, id, options }) {
      const plugin = plugins().find((candidate) => candidate.type === type && candidate.id === id);
      if (plugin === undefined)
        throw new EngineError('not-found', `Cannot tell about plugin "${type}.${id}": there is no such plugin`);
      if (options !== undefined)
        throw new EngineError('unimplemented', `Cannot tell about plugin "${type}.${id}": it takes no options`);
      return { plugin: wirePlugin(plugin) };
    },
  });
}

const fieldsOf = ({ type, id, platforms, capabilities }: Plugin): FilterFields => ({
  type,
  id,
  platforms: present(platforms.map(formatPlatform).join(',')),
  capabilities: present(capabilities.join(',')),
});

function wirePlugin(plugin: Plugin): MessageInitShape<typeof PluginSchema> {
  const { type, id, requires, capabilities, exports } = plugin;
  return {
    type,
    id,
    requires: [...requires],
    capabilities: [...capabilities],
    exports: { ...exports },
    platforms: plugin.platforms.map(({ os, architecture, variant = '' }) => ({ os, architecture, variant })),
  };
}

/** The inode of our pid namespace, by which a client finds out whether our pids mean anything to it. */
async function pidNamespace(): Promise<bigint> {
  const link = await readlink('/proc/self/ns/pid');
  return BigInt(/\d+/.exec(link)?.[0] ?? 0);
}
