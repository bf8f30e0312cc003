import {
  checkpointFiles,
  checkpointImage,
  checkpointTask,
  whilePaused,
  writeCheckpointIndex,
} from '#/client/containerd/checkpoint.ts';
import { getContainer, getTask } from '#/client/containerd/find-container.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Save the state of a running container as an image, and show its name; needs CRIU',
  flags: {
    exit: boolean('', 'End the container when it is saved'),
    'image-path': text('', 'DIR', 'Write CRIU’s files here instead of making an image'),
    'work-path': text('', 'DIR', 'Where CRIU works and writes its log'),
  },
  arity: exactly(1),
  run: async ({ flags, args, out, connect }) => {
    const imagePath = flags['image-path'] ?? '';
    const wish = { exit: flags.exit, imagePath, workPath: flags['work-path'] ?? '' };
    await underLease(await connect(), async (client) => {
      const container = await getContainer(client, args[0] ?? '');
      const { id, image, snapshotKey } = container;
      const { status } = await getTask(client, id);
      const save = async (): Promise<Descriptor[]> => {
        const state = await checkpointTask(client, id, wish);
        if (imagePath !== '') return [];
        return [
          ...state,
          ...(image === '' ? [] : [await checkpointImage(client, container)]),
          ...(snapshotKey === '' ? [] : [await checkpointFiles(client, container)]),
        ];
      };
      const parts = status === Status.PAUSED ? await save() : await whilePaused(client, id, save);
      if (imagePath !== '') return;
      const { mediaType, digest, size } = await writeCheckpointIndex(
        client,
        parts,
        image === '' ? {} : { 'image.name': image },
      );
      const name = `containerd.io/checkpoint/${id}:${stamp(new Date())}`;
      const labels = { 'containerd.io/checkpoint': 'true' };
      await client.call(Images.method.create, {
        image: { name, labels, target: { mediaType, digest, size: BigInt(size) } },
      });
      out.line(name);
    });
  },
});

/** `11-25-2026-03:22:41`. */
function stamp(now: Date): string {
  const [day = '', time = ''] = now.toISOString().split('T');
  const [year, month, date] = day.split('-');
  return `${month}-${date}-${year}-${time.slice(0, 8)}`;
}
