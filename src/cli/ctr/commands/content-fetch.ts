import { fullImageName } from '#/client/containerd/find-image.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { choosePlatforms, platformFlags } from '#/cli/ctr/transfer/platform-flags.ts';
import { pullImage } from '#/cli/ctr/transfer/pull-image.ts';
import { registryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { boolean, list } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { hostPlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE',
  about: 'Download all content of an image without unpacking it',
  flags: {
    ...registryFlags,
    ...platformFlags,
    label: list('', 'KEY=VALUE', 'Label of the image'),
    'skip-metadata': boolean('', 'Leave out manifests of platforms that are not fetched'),
    'metadata-only': boolean('', 'Not taken: a daemon fetches layers with their manifest'),
  },
  arity: exactly(1),
  run: async ({ flags, args, err, env, connect }) => {
    if (flags['metadata-only'])
      throw new UsageError('"--metadata-only" cannot be followed: a daemon fetches layers with their manifest', 1);
    const [word = ''] = args;
    parseReference(word);
    await pullImage(await connect(), {
      reference: fullImageName(word),
      registry: flags,
      platforms: choosePlatforms(flags, [hostPlatform()]),
      unpackWith: undefined,
      allMetadata: !flags['skip-metadata'],
      labels: parseLabels(flags.label),
      env,
      err,
    });
  },
});
