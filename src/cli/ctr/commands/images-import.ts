import { endOf } from '#/client/containerd/transfer.ts';
import { sendBytes } from '#/client/containerd/byte-streams.ts';
import { openStream } from '#/client/containerd/open-stream.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { wirePlatform } from '#/cli/ctr/transfer/pull-image.ts';
import { showTransfer } from '#/cli/ctr/transfer/show-transfer.ts';
import { boolean, list, text } from '#/cli/flags.ts';
import { openArchive } from '#/cli/open-archive.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { ImageImportStreamSchema } from '#/gen/containerd/types/transfer/importexport_pb.ts';
import { ImageStoreSchema } from '#/gen/containerd/types/transfer/imagestore_pb.ts';
import { hostPlatform, parsePlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] FILE|-',
  about: 'Read images from a tar archive, of OCI’s kind or docker’s, and unpack them',
  examples: ['berth ctr images import web.tar', 'docker save web | berth ctr images import -'],
  flags: {
    'base-name': text('', 'NAME', 'Name for images that have none, and only images of that name'),
    digests: boolean('', 'Name images by their digest as well'),
    'skip-digest-for-named': boolean('', 'With --digests: not those that have a name'),
    'index-name': text('', 'NAME', 'Keep the archive’s index as an image of this name'),
    'all-platforms': boolean('', 'All platforms of the images'),
    platform: text('', 'OS/ARCH', 'Only this platform of the images'),
    'no-unpack': boolean('', 'Leave layers packed'),
    local: boolean('', 'Taken for ctr’s sake: the daemon imports all the same'),
    'compress-blobs': boolean('', 'Compress plain layers of docker archives'),
    'discard-unpacked-layers': boolean('', 'Not taken: use content prune references afterwards'),
    'sync-fs': boolean('', 'Not taken: the daemon makes layers durable by itself'),
    label: list('', 'KEY=VALUE', 'Label of the images'),
    ...snapshotterFlags,
  },
  arity: exactly(1),
  run: async ({ flags, args, err, env, connect }) => {
    for (const name of ['discard-unpacked-layers', 'sync-fs'] as const)
      if (flags[name])
        throw new UsageError(`"--${name}" cannot be followed: the daemon imports, and does not take it`, 1);
    const [path = ''] = args;
    const input = path === '-' ? process.stdin : await openArchive(path);
    const asked = flags.platform === undefined ? hostPlatform() : parsePlatform(flags.platform);
    const platforms = flags['all-platforms'] ? [] : [wirePlatform(asked)];
    const snapshotter = askedSnapshotter(flags, env) ?? '';
    const client = await connect();
    using stack = new DisposableStack();
    await showTransfer(client, { err }, async (leased) => {
      const stream = stack.use(await openStream(leased, 'import'));
      void sendBytes(stream, input as AsyncIterable<Buffer>).catch(() => stream.endSending());
      const source = endOf(ImageImportStreamSchema, { stream: stream.id, forceCompress: flags['compress-blobs'] });
      const destination = endOf(ImageStoreSchema, {
        name: flags['index-name'] ?? '',
        labels: parseLabels(flags.label),
        platforms,
        extraReferences: [namesOf(flags)],
        unpacks: flags['no-unpack'] ? [] : [{ platform: wirePlatform(asked), snapshotter }],
      });
      return { source, destination };
    });
  },
});

interface NameFlags {
  readonly 'base-name': string | undefined;
  readonly digests: boolean;
  readonly 'skip-digest-for-named': boolean;
}

/** Without a base name, archives' own names count whole, and nameless images are named for the day. */
function namesOf(flags: NameFlags): {
  name: string;
  isPrefix: boolean;
  allowOverwrite: boolean;
  addDigest: boolean;
  skipNamedDigest: boolean;
} {
  const base = flags['base-name'];
  const day = new Date().toISOString().slice(0, 10);
  return {
    name: base ?? `import-${day}`,
    isPrefix: true,
    allowOverwrite: base === undefined,
    addDigest: flags.digests,
    skipNamedDigest: flags['skip-digest-for-named'],
  };
}
