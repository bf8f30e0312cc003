import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { EngineError, isKind } from '#/base/errors.ts';
import { activateMounts } from '#/client/containerd/activate-mounts.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { findImage } from '#/client/containerd/find-image.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { createLease } from '#/client/containerd/lease-work.ts';
import { chooseSnapshotter, openSnapshotter, type Snapshotter } from '#/client/containerd/snapshotter.ts';
import { unpackImage } from '#/client/containerd/unpack-image.ts';
import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { readDuration } from '#/cli/ctr/read-duration.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { pullMissing } from '#/cli/ctr/run/pull-missing.ts';
import { registryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { boolean, list, text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import type { Mount } from '#/gen/containerd/types/mount_pb.ts';
import { mountAll } from '#/linux/mount.ts';
import { hostPlatform, parsePlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE [DIR]',
  about: 'Mount the files of an image (pulled if it is not here) on a directory; unmount takes it away',
  examples: ['berth ctr images mount alpine /mnt', 'berth ctr images unmount --rm /mnt'],
  flags: {
    rw: boolean('', 'Let the files be changed; the image itself is not'),
    platform: text('', 'OS/ARCH', 'Platform of the image (default: this machine’s)'),
    'sync-fs': boolean('', 'Bring each layer to the disk while unpacking'),
    ...registryFlags,
    label: list('', 'KEY=VALUE', 'Label of the image, if it has to be pulled'),
    expiration: text('x', 'DURATION', 'How long the snapshot is kept (default 1h)'),
    ...snapshotterFlags,
  },
  arity: between(1, 2),
  run: async ({ flags, args, out, err, env, connect }) => {
    const [word = '', target] = args;
    if (target !== undefined) await checkDirectory(target);
    const key = target ?? `ctr-images-mount-${randomBytes(4).toString('hex')}`;
    const client = await connect();
    const lifetimeMs = readDuration('--expiration', flags.expiration ?? '1h');
    const leased = await leaseOf(client, { id: key, lifetimeMs });
    try {
      const missing = { platform: flags.platform, env, err, registry: flags, labels: parseLabels(flags.label) };
      const image = (await findImage(client, word)) ?? (await pullMissing(client, word, missing));
      const snapshotter = await openSnapshotter(leased, await chooseSnapshotter(client, askedSnapshotter(flags, env)));
      const platform = flags.platform === undefined ? hostPlatform() : parsePlatform(flags.platform);
      const named = { name: image.name, target: targetOf(image) };
      const options = { platform, snapshotter: snapshotter.name, syncFs: flags['sync-fs'] };
      const { top } = await unpackImage(leased, named, options);
      out.line(top);
      const mounts = await activateMounts(leased, key, await mountsOf(snapshotter, { key, top, writable: flags.rw }));
      out.line(target === undefined ? placeOf(mounts) : await mountOn(snapshotter, { key, target, mounts }));
    } catch (error) {
      await client.call(Leases.method.delete, { id: key }).catch(() => {});
      throw error;
    }
  },
});

async function checkDirectory(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() === true) return;
  throw new EngineError('not-found', `Cannot mount on "${path}": there is no such directory; make it first`);
}

/** One that is there from an earlier mount at the same place goes on. */
async function leaseOf(
  client: ContainerdClient,
  wish: { readonly id: string; readonly lifetimeMs: number },
): Promise<ContainerdClient> {
  await createLease(client, wish).catch((error: unknown) => {
    if (!isKind(error, 'already-exists')) throw error;
  });
  return client.within({ lease: wish.id });
}

interface SnapshotWish {
  readonly key: string;
  readonly top: string;
  readonly writable: boolean;
}

async function mountsOf(snapshotter: Snapshotter, { key, top, writable }: SnapshotWish): Promise<readonly Mount[]> {
  try {
    return await (writable ? snapshotter.prepare(key, top) : snapshotter.view(key, top));
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    return await snapshotter.mounts(key);
  }
}

/** Without a directory of the person's, only what is a directory already can be shown. */
function placeOf(mounts: readonly Mount[]): string {
  const [only, second] = mounts;
  if (only !== undefined && second === undefined && only.type === 'bind') return only.source;
  throw new UsageError('this image is not one directory: name a directory to mount it on', 1);
}

interface Mounting {
  readonly key: string;
  readonly target: string;
  readonly mounts: readonly Mount[];
}

async function mountOn(snapshotter: Snapshotter, { key, target, mounts }: Mounting): Promise<string> {
  try {
    await mountAll(mounts, target);
    return target;
  } catch (error) {
    await snapshotter.remove(key).catch(() => {});
    throw error;
  }
}
