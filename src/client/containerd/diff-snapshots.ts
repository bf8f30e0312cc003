import { randomBytes } from 'node:crypto';
import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import type { Snapshotter } from '#/client/containerd/snapshotter.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import { Kind } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import type { Mount } from '#/gen/containerd/types/mount_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { parseDigest } from '#/oci/digest.ts';

export interface DiffWish {
  readonly mediaType: string;
  /** '' for one made up. */
  readonly ref: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What changed from one snapshot to another as a layer in the store; a `left` of '' is the empty tree. */
export async function diffSnapshots(
  { client, snapshotter }: { readonly client: ContainerdClient; readonly snapshotter: Snapshotter },
  { left, right }: { readonly left: string; readonly right: string },
  { mediaType, ref, labels }: DiffWish,
): Promise<Descriptor> {
  await using before = await openMounts(snapshotter, left);
  await using after = await openMounts(snapshotter, right);
  const { diff } = await client.call(Diff.method.diff, {
    left: [...before.mounts],
    right: [...after.mounts],
    mediaType,
    ref,
    labels: { ...labels },
  });
  if (diff === undefined) throw new EngineError('internal', `Cannot compare "${left}" and "${right}": no answer`);
  return { mediaType: diff.mediaType, digest: parseDigest(diff.digest), size: Number(diff.size) };
}

interface OpenMounts extends AsyncDisposable {
  readonly mounts: readonly Mount[];
}

/** Of a committed snapshot through a view, which goes afterwards. */
async function openMounts(snapshotter: Snapshotter, key: string): Promise<OpenMounts> {
  const kind = key === '' ? Kind.COMMITTED : (await snapshotter.stat(key)).kind;
  if (kind !== Kind.COMMITTED) return { mounts: await snapshotter.mounts(key), [Symbol.asyncDispose]: async () => {} };
  const view = `${key}-view-${randomBytes(4).toString('hex')}`;
  const mounts = await snapshotter.view(view, key);
  return { mounts, [Symbol.asyncDispose]: () => snapshotter.remove(view).catch(() => {}) };
}
