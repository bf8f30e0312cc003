import { fullImageName, getImage } from '#/client/containerd/find-image.ts';
import { getPlatformImage, targetOf } from '#/client/containerd/image-graph.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { choosePlatforms, platformFlags } from '#/cli/ctr/transfer/platform-flags.ts';
import { pullImage } from '#/cli/ctr/transfer/pull-image.ts';
import { registryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { boolean, list, number } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { chainIds } from '#/oci/manifest.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE',
  about: 'Download an image and unpack it, so that it can run',
  examples: ['berth ctr images pull alpine', 'berth ctr images pull --platform linux/arm64 docker.io/library/alpine:3'],
  flags: {
    ...registryFlags,
    ...snapshotterFlags,
    ...platformFlags,
    label: list('', 'KEY=VALUE', 'Label of the image'),
    'skip-metadata': boolean('', 'Leave out manifests of platforms that are not pulled'),
    'print-chainid': boolean('', 'Show the key of the image’s top snapshot'),
    'max-concurrent-downloads': number('', 'N', 'Not taken: the daemon’s configuration says how many'),
    local: boolean('', 'Taken for ctr’s sake: the daemon downloads all the same'),
    'sync-fs': boolean('', 'Not taken: the daemon makes layers durable by itself'),
  },
  arity: exactly(1),
  run: async ({ flags, args, out, err, env, connect }) => {
    if (flags['max-concurrent-downloads'] !== undefined)
      throw new UsageError('"--max-concurrent-downloads" cannot be followed: the daemon’s configuration has it', 1);
    if (flags['sync-fs'])
      throw new UsageError('"--sync-fs" cannot be followed: what a pull unpacks is the daemon’s to make durable', 1);
    const [word = ''] = args;
    parseReference(word);
    const reference = fullImageName(word);
    const platforms = choosePlatforms(flags, [hostPlatform()]);
    const client = await connect();
    await pullImage(client, {
      reference,
      registry: flags,
      platforms,
      unpackWith: askedSnapshotter(flags, env) ?? '',
      allMetadata: !flags['skip-metadata'],
      labels: parseLabels(flags.label),
      env,
      err,
    });
    if (!flags['print-chainid']) return;
    const image = { name: reference, target: targetOf(await getImage(client, reference)) };
    for (const platform of platforms) {
      const { config } = await getPlatformImage(client, image, platform);
      out.line(`image chain ID: ${chainIds(config.diffIds).at(-1) ?? ''}`);
    }
  },
});
