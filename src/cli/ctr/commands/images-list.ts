import { messageOf } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { descriptorsFor, platformsOf, targetOf } from '#/client/containerd/image-graph.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { binarySizeText, labelsText } from '#/cli/ctr/ctr-text.ts';
import { boolean } from '#/cli/flags.ts';
import type { Output } from '#/cli/output.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Images, type Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { hostPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'List images',
  examples: ["berth ctr images ls 'name~=busybox'"],
  flags: { quiet: boolean('q', 'Only show names') },
  arity: atLeast(0),
  run: async ({ flags, args, out, err, connect }) => {
    const client = await connect();
    const { images } = await client.call(Images.method.list, { filters: [...args] });
    if (flags.quiet) return images.forEach(({ name }) => out.line(name));
    const rows = [['REF', 'TYPE', 'DIGEST', 'SIZE', 'PLATFORMS', 'LABELS', '']];
    for (const image of images) rows.push(await rowOf(image, { client, err }));
    out.text(formatTabbed(rows, tabShapes.narrow));
  },
});

interface Help {
  readonly client: ContainerdClient;
  readonly err: Output;
}

/** An image that is not whole is listed all the same; what is missing is told beside the table. */
async function rowOf(image: Image, { client, err }: Help): Promise<string[]> {
  const target = targetOf(image);
  const tell = (what: string, error: unknown): void =>
    err.line(`berth ctr: cannot tell the ${what} of "${image.name}": ${messageOf(error)}`);
  const parts = await descriptorsFor(client, target, hostPlatform()).catch((error: unknown) => {
    tell('size', error);
    return [target];
  });
  const platforms = await platformsOf(client, target).catch((error: unknown) => {
    tell('platforms', error);
    return [];
  });
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return [
    image.name,
    target.mediaType,
    target.digest,
    binarySizeText(size),
    platforms.join(',') || '-',
    labelsText(image.labels, '-'),
    '',
  ];
}
