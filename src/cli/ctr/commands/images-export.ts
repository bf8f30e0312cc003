import { open, type FileHandle } from 'node:fs/promises';
import { describeFailure } from '#/base/errors.ts';
import { receiveBytes } from '#/client/containerd/byte-streams.ts';
import { getImage } from '#/client/containerd/find-image.ts';
import { openStream } from '#/client/containerd/open-stream.ts';
import { endOf } from '#/client/containerd/transfer.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { choosePlatforms, platformFlags } from '#/cli/ctr/transfer/platform-flags.ts';
import { wirePlatform } from '#/cli/ctr/transfer/pull-image.ts';
import { showTransfer } from '#/cli/ctr/transfer/show-transfer.ts';
import { boolean } from '#/cli/flags.ts';
import { ImageStoreSchema } from '#/gen/containerd/types/transfer/imagestore_pb.ts';
import { ImageExportStreamSchema } from '#/gen/containerd/types/transfer/importexport_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] FILE|- IMAGE [IMAGE...]',
  about: 'Write images to a tar archive that OCI’s tools and docker load',
  examples: ['berth ctr images export web.tar nginx', 'berth ctr images export - nginx | docker load'],
  flags: {
    ...platformFlags,
    'skip-manifest-json': boolean('', 'Leave out what only docker needs'),
    'skip-non-distributable': boolean('', 'Leave out layers that are not to be passed on'),
    local: boolean('', 'Taken for ctr’s sake: the daemon exports all the same'),
  },
  arity: atLeast(2),
  run: async ({ flags, args, out, err, connect }) => {
    const [path = '', ...words] = args;
    const platforms = choosePlatforms(flags, []).map(wirePlatform);
    const client = await connect();
    const images = await Promise.all(words.map((word) => getImage(client, word)));
    await using file = path === '-' ? undefined : await create(path);
    const write = async (data: Uint8Array): Promise<void> => {
      if (file === undefined) return await out.write(data);
      await file.writeFile(data);
    };
    using stack = new DisposableStack();
    let written: Promise<void> = Promise.resolve();
    await showTransfer(client, { err }, async (leased) => {
      const stream = stack.use(await openStream(leased, 'export'));
      written = pour(receiveBytes(stream), write);
      written.catch(() => {});
      const source = endOf(ImageStoreSchema, { name: '', extraReferences: images.map(({ name }) => ({ name })) });
      const destination = endOf(ImageExportStreamSchema, {
        stream: stream.id,
        platforms,
        allPlatforms: flags['all-platforms'],
        skipCompatibilityManifest: flags['skip-manifest-json'],
        skipNonDistributable: flags['skip-non-distributable'],
      });
      return { source, destination };
    });
    await written;
  },
});

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w');
  } catch (error) {
    throw describeFailure(`Cannot export to "${path}"`, error);
  }
}

async function pour(chunks: AsyncIterable<Uint8Array>, write: (data: Uint8Array) => Promise<void>): Promise<void> {
  for await (const chunk of chunks) await write(chunk);
}
