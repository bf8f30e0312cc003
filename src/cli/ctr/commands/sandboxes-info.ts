import type { Any } from '@bufbuild/protobuf/wkt';
import { EngineError } from '#/base/errors.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText, sortedMap, timeText } from '#/cli/ctr/ctr-text.ts';
import { Store } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] SANDBOX',
  about: 'Show all that is known of a sandbox',
  flags: {},
  arity: exactly(1),
  run: async ({ args, out, connect }) => {
    const [sandboxId = ''] = args;
    const { sandbox } = await (await connect()).call(Store.method.get, { sandboxId });
    if (sandbox === undefined) throw new EngineError('not-found', `Cannot find sandbox "${sandboxId}"`);
    const { runtime, spec, labels, createdAt, updatedAt, extensions, sandboxer } = sandbox;
    out.line(
      jsonText({
        ID: sandboxId,
        Labels: Object.keys(labels).length === 0 ? null : sortedMap(labels),
        Runtime: { Name: runtime?.name ?? '', Options: anyJson(runtime?.options) },
        Spec: anyJson(spec),
        Sandboxer: sandboxer,
        CreatedAt: timeText(createdAt),
        UpdatedAt: timeText(updatedAt),
        Extensions:
          Object.keys(extensions).length === 0
            ? null
            : sortedMap(Object.fromEntries(Object.entries(extensions).map(([key, any]) => [key, anyJson(any)]))),
      }),
    );
  },
});

function anyJson(any: Any | undefined): unknown {
  if (any === undefined) return null;
  return { type_url: any.typeUrl, value: any.value.length === 0 ? undefined : any.value };
}
