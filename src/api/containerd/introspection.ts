import { readlink } from 'node:fs/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ContainerdCore } from '#/api/containerd/core.ts';
import type { FilterFields } from '#/api/containerd/select-records.ts';
import { selectRecords } from '#/api/containerd/select-records.ts';
import type { Plugin } from '#/api/containerd/plugins.ts';
import { runtimePlugin } from '#/api/containerd/plugins.ts';
import type { TypedValue } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import type { PluginSchema } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { RuntimeRequestSchema } from '#/gen/containerd/types/introspection_pb.ts';
import { anyOfValue, findValueOfAny, holdsMessage, unpackMessage } from '#/rpc/any.ts';
import type { BoundService } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';
import { statusCode } from '#/rpc/status.ts';

/** What the daemon is made of. Clients refuse to work without some of the entries (plugins.ts says which). */
export function introspectionService(core: ContainerdCore, plugins: () => readonly Plugin[]): BoundService {
  return bindService(Introspection, {
    plugins: ({ filters }) => ({ plugins: selectRecords(plugins(), filters, fieldsOf).map(wirePlugin) }),
    server: async () => ({ uuid: core.identity.uuid, pid: BigInt(process.pid), pidns: await pidNamespace() }),
    async pluginInfo({ type, id, options }) {
      const plugin = plugins().find((candidate) => candidate.type === type && candidate.id === id);
      if (plugin === undefined)
        throw new EngineError('not-found', `Cannot tell about plugin "${type}.${id}": there is no such plugin`);
      const question = findValueOfAny(options);
      if (question === undefined) return { plugin: wirePlugin(plugin) };
      return { plugin: wirePlugin(plugin), extra: anyOfValue(await ask(core, plugin, question)) };
    },
  });
}

/** Only the runtime has more to say: what the shim of a runtime says of itself. */
async function ask({ tasks }: ContainerdCore, plugin: Plugin, question: TypedValue): Promise<TypedValue> {
  const refuse = (kind: 'failed-precondition' | 'unimplemented', why: string): EngineError =>
    new EngineError(kind, `Cannot tell about plugin "${plugin.type}.${plugin.id}": ${why}`);
  if (plugin.absent !== undefined) throw refuse('failed-precondition', plugin.absent);
  if (plugin.type !== runtimePlugin.type || plugin.id !== runtimePlugin.id)
    throw refuse('unimplemented', 'it has no more to say of itself');
  if (!holdsMessage(question, RuntimeRequestSchema))
    throw refuse('unimplemented', `it is asked with a RuntimeRequest, not with a "${question.typeUrl}"`);
  const { runtimePath, options } = unpackMessage(RuntimeRequestSchema, question);
  return await tasks.runtimeInfo(runtimePath, findValueOfAny(options));
}

/** As in containerd, platforms and capabilities cannot be filtered by: they have several values. */
const fieldsOf = ({ type, id }: Plugin): FilterFields => ({ type, id });

function wirePlugin(plugin: Plugin): MessageInitShape<typeof PluginSchema> {
  const { type, id, requires, capabilities, exports, absent } = plugin;
  return {
    type,
    id,
    requires: [...requires],
    capabilities: [...capabilities],
    exports: { ...exports },
    platforms: plugin.platforms.map(({ os, architecture, variant = '' }) => ({ os, architecture, variant })),
    ...(absent === undefined ? {} : { initErr: { code: statusCode('unknown'), message: absent } }),
  };
}

/** The inode of our pid namespace, by which a client finds out whether our pids mean anything to it. */
async function pidNamespace(): Promise<bigint> {
  const link = await readlink('/proc/self/ns/pid');
  return BigInt(/\d+/.exec(link)?.[0] ?? 0);
}
