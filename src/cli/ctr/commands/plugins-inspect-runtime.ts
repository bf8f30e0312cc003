import { noArguments } from '#/cli/command.ts';
import { EngineError } from '#/base/errors.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText, sortedMap } from '#/cli/ctr/ctr-text.ts';
import { readRuntime, runtimeFlags } from '#/cli/ctr/run/runtime-flags.ts';
import { runcRuntime } from '#/oci/runtime-names.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { RuntimeInfoSchema, RuntimeRequestSchema } from '#/gen/containerd/types/introspection_pb.ts';
import { anyOfValue, findAnyOfValue, packMessage, unpackJson, unpackMessage, valueOfAny } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Show what a runtime says of itself: version and features',
  flags: runtimeFlags,
  arity: noArguments,
  run: async ({ flags, out, connect }) => {
    const runtime = readRuntime(flags, 'given');
    const options = findAnyOfValue(runtime.options);
    const request = { runtimePath: flags.runtime ?? runcRuntime, ...(options === undefined ? {} : { options }) };
    const client = await connect();
    const { extra } = await client.call(Introspection.method.pluginInfo, {
      type: 'io.containerd.runtime.v2',
      id: 'task',
      options: anyOfValue(packMessage(RuntimeRequestSchema, request)),
    });
    if (extra === undefined)
      throw new EngineError('internal', `Cannot inspect "${runtime.name}": the daemon tells nothing`);
    const { name, version, features, annotations } = unpackMessage(RuntimeInfoSchema, valueOfAny(extra));
    const isJson = features !== undefined && features.value[0] === 0x7b;
    out.line(
      jsonText({
        Name: name,
        Version: { Version: version?.version ?? '', Revision: version?.revision ?? '' },
        Options: {},
        Features: isJson ? unpackJson(valueOfAny(features)) : null,
        Annotations: Object.keys(annotations).length === 0 ? null : sortedMap(annotations),
      }),
    );
  },
});
