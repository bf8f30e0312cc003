import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { findImage } from '#/client/containerd/find-image.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { chooseSnapshotter } from '#/client/containerd/snapshotter.ts';
import { unpackImage } from '#/client/containerd/unpack-image.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { boolean } from '#/cli/flags.ts';
import { Images, type Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { isDigest } from '#/oci/digest.ts';
import { hostPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE|DIGEST',
  about: 'Unpack the layers of an image, named or by the digest that it points at',
  flags: { 'sync-fs': boolean('', 'Bring each layer to the disk before the next'), ...snapshotterFlags },
  arity: exactly(1),
  run: async ({ flags, args, out, env, connect }) => {
    const client = await connect();
    const snapshotter = await chooseSnapshotter(client, askedSnapshotter(flags, env));
    const image = await find(client, args[0] ?? '');
    const target = targetOf(image);
    out.text(`unpacking ${target.digest} (${target.mediaType})...`);
    const options = { platform: hostPlatform(), snapshotter, syncFs: flags['sync-fs'] };
    try {
      await unpackImage(client, { name: image.name, target }, options);
    } catch (error) {
      out.line('');
      throw error;
    }
    out.line('done');
  },
});

async function find(client: ContainerdClient, word: string): Promise<Image> {
  const { images } = isDigest(word)
    ? await client.call(Images.method.list, { filters: [`target.digest==${word}`] })
    : { images: [] };
  const image = images[0] ?? (isDigest(word) ? undefined : await findImage(client, word));
  if (image !== undefined) return image;
  throw new EngineError(
    'not-found',
    `Cannot unpack "${word}": no image is or points at it; "berth ctr images ls" shows them`,
  );
}
