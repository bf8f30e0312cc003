/** Checkpoints: an index that names the state of a task, the changed files, the image and the spec of a container. */
import { toBinary } from '@bufbuild/protobuf';
import { AnySchema, type Any } from '@bufbuild/protobuf/wkt';
import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { diffSnapshots } from '#/client/containerd/diff-snapshots.ts';
import { getImage } from '#/client/containerd/find-image.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { writeDocument } from '#/client/containerd/write-content.ts';
import { CheckpointOptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import type { Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { parseDigest } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { anyOfValue, packMessage } from '#/rpc/any.ts';

export const checkpointTypes = {
  /** What CRIU wrote. */
  task: 'application/vnd.containerd.container.criu.checkpoint.criu.tar',
  spec: 'application/vnd.containerd.container.checkpoint.config.v1+proto',
  options: 'application/vnd.containerd.container.checkpoint.options.v1+proto',
  runtimeOptions: 'application/vnd.containerd.container.checkpoint.runtime.options+proto',
} as const;

export const checkpointAnnotations = {
  image: 'org.opencontainers.image.ref.name',
  runtime: 'io.containerd.checkpoint.runtime',
  snapshotter: 'io.containerd.checkpoint.snapshotter',
} as const;

export interface TaskCheckpoint {
  readonly exit: boolean;
  /** Directories of the daemon's host; with an image path no blob is made. */
  readonly imagePath: string;
  readonly workPath: string;
}

/** Has the runtime write down the state of a task; the blobs that hold it. */
export async function checkpointTask(
  client: ContainerdClient,
  containerId: string,
  wish: TaskCheckpoint,
): Promise<Descriptor[]> {
  const options = anyOfValue(packMessage(CheckpointOptionsSchema, { ...wish, fileLocks: true }));
  const { descriptors } = await client.call(Tasks.method.checkpoint, { containerId, options });
  return descriptors.map(({ mediaType, digest, size }) => {
    return { mediaType, digest: parseDigest(digest), size: Number(size), platform: hostPlatform() };
  });
}

/** What the container changed over its image, as a layer. */
export async function checkpointFiles(client: ContainerdClient, container: Container): Promise<Descriptor> {
  const { snapshotKey, snapshotter } = container;
  if (snapshotKey === '')
    throw new EngineError('failed-precondition', `Cannot save the files of "${container.id}": it has no snapshot`);
  const opened = await openSnapshotter(client, snapshotter);
  const { parent } = await opened.stat(snapshotKey);
  const wish = { mediaType: mediaTypes.ociLayerGzip, ref: `checkpoint-rw-${snapshotKey}`, labels: {} };
  const layer = await diffSnapshots({ client, snapshotter: opened }, { left: parent, right: snapshotKey }, wish);
  return { ...layer, platform: hostPlatform() };
}

export async function checkpointImage(client: ContainerdClient, { image }: Container): Promise<Descriptor> {
  return targetOf(await getImage(client, image));
}

/** A typed value as a blob of its own. */
export async function checkpointValue(client: ContainerdClient, mediaType: string, value: Any): Promise<Descriptor> {
  const bytes = toBinary(AnySchema, value);
  const digest = parseDigest(await writeDocument(client, bytes));
  return { mediaType, digest, size: bytes.length, platform: hostPlatform() };
}

/** The index that holds all of it together. */
export async function writeCheckpointIndex(
  client: ContainerdClient,
  manifests: readonly Descriptor[],
  annotations: Readonly<Record<string, string>>,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests, annotations }));
  const labels = Object.fromEntries(
    manifests.map(({ digest }, at) => [`containerd.io/gc.ref.content.m.${at}`, digest]),
  );
  const digest = parseDigest(await writeDocument(client, bytes, labels));
  return { mediaType: mediaTypes.ociIndex, digest, size: bytes.length };
}

/** Freezes a task while `work` saves it, so that files and memory fit together. One that is frozen stays so. */
export async function whilePaused<T>(
  client: ContainerdClient,
  containerId: string,
  work: () => Promise<T>,
): Promise<T> {
  await client.call(Tasks.method.pause, { containerId });
  try {
    return await work();
  } finally {
    // One that was told to exit is not there any more.
    await client.call(Tasks.method.resume, { containerId }).catch(() => {});
  }
}
