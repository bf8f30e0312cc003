import type { Any } from '@bufbuild/protobuf/wkt';
import { getContainer } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText, sortedMap, timeText } from '#/cli/ctr/ctr-text.ts';
import { inSpecOrder } from '#/cli/ctr/spec-order.ts';
import { boolean } from '#/cli/flags.ts';
import type { Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { unpackJson, valueOfAny } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Show all that is known of a container: its record and its runtime spec',
  flags: { spec: boolean('', 'Only show the spec') },
  arity: exactly(1),
  run: async ({ flags, args, out, connect }) => {
    const container = await getContainer(await connect(), args[0] ?? '');
    const spec = container.spec === undefined ? undefined : inSpecOrder(unpackJson(valueOfAny(container.spec)));
    out.line(jsonText(flags.spec ? spec : recordOf(container, spec)));
  },
});

function recordOf(container: Container, spec: unknown): Record<string, unknown> {
  const { id, labels, image, runtime, snapshotKey, snapshotter, createdAt, updatedAt, extensions, sandbox } = container;
  return {
    ID: id,
    Labels: sortedMap(labels),
    Image: image,
    Runtime: { Name: runtime?.name ?? '', Options: anyJson(runtime?.options) },
    SnapshotKey: snapshotKey,
    Snapshotter: snapshotter,
    CreatedAt: timeText(createdAt),
    UpdatedAt: timeText(updatedAt),
    Extensions: sortedMap(Object.fromEntries(Object.entries(extensions).map(([key, any]) => [key, anyJson(any)]))),
    SandboxID: sandbox,
    Spec: spec,
  };
}

/** Go leaves out what is empty. */
function anyJson(any: Any | undefined): unknown {
  if (any === undefined) return null;
  return { type_url: any.typeUrl, value: any.value.length === 0 ? undefined : any.value };
}
