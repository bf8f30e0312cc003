import { EngineError } from '#/base/errors.ts';
import { getImage } from '#/client/containerd/find-image.ts';
import { getPlatformImage, targetOf } from '#/client/containerd/image-graph.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { binarySizeText } from '#/cli/ctr/ctr-text.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { chainIds } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE',
  about: 'Show what the unpacked layers of an image take on the disk, the top one first',
  flags: { ...snapshotterFlags },
  arity: exactly(1),
  run: async ({ flags, args, out, env, connect }) => {
    const client = await connect();
    const image = await getImage(client, args[0] ?? '');
    const { name } = image;
    const { config } = await getPlatformImage(client, { name, target: targetOf(image) }, hostPlatform());
    const snapshotter = await openSnapshotter(client, askedSnapshotter(flags, env));
    const keys = chainIds(config.diffIds).reverse();
    const [top] = keys;
    if (top === undefined || (await snapshotter.find(top)) === undefined)
      throw new EngineError(
        'not-found',
        `Cannot measure image "${name}": it is not unpacked in snapshotter "${snapshotter.name}"; "berth ctr snapshots unpack" does that`,
      );
    const rows = [['KEY', 'SIZE', 'INODES', '']];
    for (let key: string = top; key !== ''; key = (await snapshotter.stat(key)).parent) {
      const { size, inodes } = await snapshotter.usage(key);
      rows.push([key, binarySizeText(size), String(inodes), '']);
    }
    out.text(formatTabbed(rows, tabShapes.narrow));
  },
});
