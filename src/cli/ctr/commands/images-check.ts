import { messageOf } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { checkImage, type ImageCheck } from '#/client/containerd/check-image.ts';
import { openSnapshotter, type Snapshotter } from '#/client/containerd/snapshotter.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { binarySizeText } from '#/cli/ctr/ctr-text.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { boolean } from '#/cli/flags.ts';
import type { Output } from '#/cli/output.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Images, type Image } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { hostPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'See whether all content of images is here, and unpacked',
  flags: { quiet: boolean('q', 'Only show images that are ready to run'), ...snapshotterFlags },
  arity: atLeast(0),
  run: async ({ flags, args, out, err, env, connect }) => {
    const client = await connect();
    const snapshotter = await openSnapshotter(client, askedSnapshotter(flags, env));
    const { images } = await client.call(Images.method.list, { filters: [...args] });
    if (images.length === 0) return 0;
    const checks: Checked[] = [];
    for (const image of images) checks.push(await check({ client, snapshotter, err }, image));
    if (flags.quiet) checks.filter(({ ready }) => ready).forEach(({ name }) => out.line(name));
    else out.text(formatTabbed([header, ...checks.map(({ row }) => row)], tabShapes.narrow));
    return checks.some(({ failed }) => failed) ? 1 : 0;
  },
});

const header = ['REF', 'TYPE', 'DIGEST', 'STATUS', 'SIZE', 'UNPACKED', ''];

interface Checked {
  readonly name: string;
  readonly ready: boolean;
  readonly failed: boolean;
  readonly row: readonly string[];
}

interface Help {
  readonly client: ContainerdClient;
  readonly snapshotter: Snapshotter;
  readonly err: Output;
}

async function check({ client, snapshotter, err }: Help, image: Image): Promise<Checked> {
  const { name } = image;
  const { mediaType, digest } = targetOf(image);
  const start = [name, mediaType, digest];
  try {
    const found = await checkImage(client, targetOf(image), { platform: hostPlatform(), snapshotter });
    const row = [...start, statusText(found), sizeText(found), String(found.unpacked)];
    return { name, ready: found.available && found.missing === 0 && found.unpacked, failed: false, row };
  } catch (error) {
    err.line(`berth ctr: Cannot check "${name}": ${messageOf(error)}`);
    return { name, ready: false, failed: true, row: [...start, 'error', '-', 'false'] };
  }
}

function statusText({ available, required, present, missing }: ImageCheck): string {
  if (!available) return `unavailable (${present}/?)`;
  return `${missing > 0 ? 'incomplete' : 'complete'} (${present}/${required})`;
}

function sizeText({ available, requiredSize, presentSize }: ImageCheck): string {
  return `${binarySizeText(presentSize)}/${available ? binarySizeText(requiredSize) : '?'}`;
}
