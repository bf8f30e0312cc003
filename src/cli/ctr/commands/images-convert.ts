import { convertImage } from '#/client/containerd/convert-image.ts';
import { fullImageName, getImage } from '#/client/containerd/find-image.ts';
import { targetOf } from '#/client/containerd/image-graph.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { nameImage } from '#/client/containerd/name-image.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { choosePlatforms, platformFlags } from '#/cli/ctr/transfer/platform-flags.ts';
import { boolean, text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE NAME',
  about: 'Make another image of one, and show the digest that NAME points at then',
  examples: ['berth ctr images convert --uncompress --oci web:1 web:plain'],
  flags: {
    uncompress: boolean('', 'Leave layers uncompressed'),
    oci: boolean('', 'Turn docker’s media types into OCI’s'),
    erofs: text('', 'KIND', 'Not taken: berth makes no EROFS images'),
    'erofs-compressors': text('', 'LIST', 'Not taken, for the same reason'),
    'erofs-mkfs-options': text('', 'TEXT', 'Not taken, for the same reason'),
    ...platformFlags,
  },
  arity: exactly(2),
  run: async ({ flags, args, out, connect }) => {
    for (const name of ['erofs', 'erofs-compressors', 'erofs-mkfs-options'] as const)
      if (flags[name] !== undefined)
        throw new UsageError(`"--${name}" cannot be followed: berth makes no EROFS images`, 1);
    const [source = '', target = ''] = args;
    parseReference(target);
    const platforms = choosePlatforms(flags, [hostPlatform()]);
    await underLease(await connect(), async (client) => {
      const image = await getImage(client, source);
      const wish = { uncompress: flags.uncompress, toOci: flags.oci, platforms };
      const { mediaType, digest, size } = await convertImage(client, targetOf(image), wish);
      const { labels } = image;
      await nameImage(client, {
        name: fullImageName(target),
        labels,
        target: { mediaType, digest, size: BigInt(size) },
      });
      out.line(digest);
    });
  },
});
