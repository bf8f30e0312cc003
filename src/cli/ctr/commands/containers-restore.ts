import { fromBinary } from '@bufbuild/protobuf';
import { AnySchema, type Any } from '@bufbuild/protobuf/wkt';
import { EngineError } from '#/base/errors.ts';
import { checkpointAnnotations, checkpointTypes } from '#/client/containerd/checkpoint.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { readDocument } from '#/client/containerd/content.ts';
import { getImage } from '#/client/containerd/find-image.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { unpackImage } from '#/client/containerd/unpack-image.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { runTask, specOf, startDetached } from '#/cli/ctr/run/start-task.ts';
import { chooseIo } from '#/cli/ctr/run/task-io.ts';
import { boolean } from '#/cli/flags.ts';
import { Containers, type Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import { mediaTypes, parseManifestOrIndex, type ImageIndex } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] NAME CHECKPOINT',
  about: 'Make a container of a checkpoint and run it',
  examples: ['berth ctr containers restore --rw web2 saved/web:1'],
  flags: {
    rw: boolean('', 'Put the saved files back'),
    live: boolean('', 'Go on with the saved processes; needs CRIU'),
  },
  arity: exactly(2),
  run: async ({ flags, args, out, err, connect }) => {
    const [id = '', ref = ''] = args;
    const client = await connect();
    const index = await readIndex(client, ref);
    const container = await underLease(client, (leased) => restore(leased, { id, index, files: flags.rw }));
    const live = flags.live ? partOf(index, checkpointTypes.task) : undefined;
    const checkpoint = live === undefined ? {} : { checkpoint: wireOf(live) };
    const terminal = specOf(container).process.terminal ?? false;
    const { address, namespace } = client;
    const io = chooseIo({
      address,
      namespace,
      id,
      terminal,
      nullIo: false,
      logUri: undefined,
      fifoDirectory: undefined,
      detached: !terminal,
    });
    const task = { client, container, io, noPivot: false, pidFile: undefined, out, err, ...checkpoint };
    return terminal ? await runTask(task) : await startDetached(task);
  },
});

async function readIndex(client: ContainerdClient, ref: string): Promise<ImageIndex> {
  const { digest, mediaType } = targetOf(await getImage(client, ref));
  const parsed = parseManifestOrIndex(digest, mediaType, await readDocument(client, digest));
  if (parsed.kind === 'index' && parsed.index.annotations[checkpointAnnotations.runtime] !== undefined)
    return parsed.index;
  throw new EngineError('invalid-argument', `Cannot restore from "${ref}": that is no checkpoint of a container`);
}

type Part = ImageIndex['manifests'][number];

function partOf({ manifests }: ImageIndex, mediaType: string): Part {
  const part = manifests.find((each) => each.mediaType === mediaType);
  if (part !== undefined) return part;
  throw new EngineError('not-found', `Cannot restore: the checkpoint has no part of the type "${mediaType}"`);
}

const wireOf = ({ mediaType, digest, size }: Part): { mediaType: string; digest: string; size: bigint } => {
  return { mediaType, digest, size: BigInt(size) };
};

interface RestoreWish {
  readonly id: string;
  readonly index: ImageIndex;
  readonly files: boolean;
}

async function restore(client: ContainerdClient, { id, index, files }: RestoreWish): Promise<Container> {
  const { image: imageName = '', runtime = '', snapshotter: asked } = namesOf(index);
  const image = await getImage(client, imageName);
  const snapshotter = await openSnapshotter(client, asked);
  const named = { name: image.name, target: targetOf(image) };
  const { top } = await unpackImage(client, named, { platform: hostPlatform(), snapshotter: snapshotter.name });
  const spec = await readValue(client, partOf(index, checkpointTypes.spec));
  const saved = index.manifests.find(({ mediaType }) => mediaType === checkpointTypes.runtimeOptions);
  const options = saved === undefined ? undefined : await readValue(client, saved);
  const mounts = await snapshotter.prepare(id, top);
  try {
    if (files)
      await client.call(Diff.method.apply, {
        diff: wireOf(partOf(index, mediaTypes.ociLayerGzip)),
        mounts: [...mounts],
      });
    const record = { id, image: image.name, spec, snapshotter: snapshotter.name, snapshotKey: id };
    const { container } = await client.call(Containers.method.create, {
      container: { ...record, runtime: { name: runtime, ...(options === undefined ? {} : { options }) } },
    });
    if (container === undefined) throw new EngineError('internal', `Cannot restore "${id}": no answer`);
    return container;
  } catch (error) {
    await snapshotter.remove(id).catch(() => {});
    throw error;
  }
}

function namesOf({ annotations }: ImageIndex): Record<'image' | 'runtime' | 'snapshotter', string | undefined> {
  return {
    image: annotations[checkpointAnnotations.image],
    runtime: annotations[checkpointAnnotations.runtime],
    snapshotter: annotations[checkpointAnnotations.snapshotter],
  };
}

async function readValue(client: ContainerdClient, { digest }: Part): Promise<Any> {
  return fromBinary(AnySchema, await readDocument(client, digest));
}
