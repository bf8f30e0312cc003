import { fullImageName, getImage } from '#/client/containerd/find-image.ts';
import { endOf } from '#/client/containerd/transfer.ts';
import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { wirePlatform } from '#/cli/ctr/transfer/pull-image.ts';
import { openRegistryEnd } from '#/cli/ctr/transfer/registry-end.ts';
import { registryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { showTransfer } from '#/cli/ctr/transfer/show-transfer.ts';
import { boolean, list, number, text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { ImageStoreSchema } from '#/gen/containerd/types/transfer/imagestore_pb.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] NAME [IMAGE]',
  about: 'Upload an image to the registry that NAME tells of; IMAGE where its name here is another',
  examples: ['berth ctr images push registry.example/web:1', 'berth ctr images push registry.example/web:1 nginx'],
  flags: {
    ...registryFlags,
    platform: list('', 'OS/ARCH', 'Only this platform of the image'),
    manifest: text('', 'DIGEST', 'Push this manifest instead of an image'),
    'manifest-type': text('', 'TYPE', 'Media type of that manifest'),
    'max-concurrent-uploaded-layers': number('', 'N', 'Not taken: the daemon says how many'),
    local: boolean('', 'Taken for ctr’s sake: the daemon uploads all the same'),
    'allow-non-distributable-blobs': boolean('', 'Not taken: such layers stay where they are'),
  },
  arity: between(1, 2),
  run: async ({ flags, args, err, env, connect }) => {
    for (const name of ['manifest', 'manifest-type', 'max-concurrent-uploaded-layers'] as const)
      if (flags[name] !== undefined)
        throw new UsageError(`"--${name}" cannot be followed: the daemon pushes images`, 1);
    if (flags['allow-non-distributable-blobs'])
      throw new UsageError(
        '"--allow-non-distributable-blobs" cannot be followed: the daemon leaves such layers out',
        1,
      );
    const [remote = '', local = remote] = args;
    parseReference(remote);
    const reference = fullImageName(remote);
    const client = await connect();
    const { name } = await getImage(client, local);
    await using stack = new AsyncDisposableStack();
    await showTransfer(client, { err }, async (leased) => {
      const registry = stack.use(await openRegistryEnd(leased, { reference, flags, env, err }));
      const platforms = flags.platform.map((word) => wirePlatform(parsePlatform(word)));
      return { source: endOf(ImageStoreSchema, { name, platforms }), destination: registry.end };
    });
  },
});
