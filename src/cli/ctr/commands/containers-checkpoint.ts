import {
  checkpointAnnotations,
  checkpointFiles,
  checkpointImage,
  checkpointTask,
  checkpointTypes,
  checkpointValue,
  whilePaused,
  writeCheckpointIndex,
} from '#/client/containerd/checkpoint.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { findTask, getContainer } from '#/client/containerd/find-container.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';
import { CheckpointOptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import type { Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { anyOfValue, packMessage } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER NAME',
  about: 'Save a container as an image: its spec and runtime, and what the flags add',
  examples: ['berth ctr containers checkpoint --rw --image web saved/web:1'],
  flags: {
    rw: boolean('', 'Save the files that it changed'),
    image: boolean('', 'Name its image in the checkpoint, so that both are pushed together'),
    task: boolean('', 'Save the state of its processes; needs CRIU'),
  },
  arity: exactly(2),
  run: async ({ flags, args, connect }) => {
    const [word = '', name = ''] = args;
    await underLease(await connect(), async (client) => {
      const container = await getContainer(client, word);
      const task = await findTask(client, container.id);
      const save = (): Promise<Descriptor[]> => saveParts(client, container, flags);
      const isRunning = task?.status === Status.RUNNING;
      const parts = isRunning ? await whilePaused(client, container.id, save) : await save();
      const target = await writeCheckpointIndex(client, parts, {
        [checkpointAnnotations.image]: container.image,
        [checkpointAnnotations.runtime]: container.runtime?.name ?? '',
        [checkpointAnnotations.snapshotter]: container.snapshotter,
      });
      const { mediaType, digest, size } = target;
      await client.call(Images.method.create, { image: { name, target: { mediaType, digest, size: BigInt(size) } } });
    });
  },
});

interface Parts {
  readonly rw: boolean;
  readonly image: boolean;
  readonly task: boolean;
}

async function saveParts(client: ContainerdClient, container: Container, flags: Parts): Promise<Descriptor[]> {
  const { spec, runtime } = container;
  const options = runtime?.options;
  const parts: Descriptor[] = [];
  if (options !== undefined && options.value.length > 0)
    parts.push(await checkpointValue(client, checkpointTypes.runtimeOptions, options));
  if (flags.image) parts.push(await checkpointImage(client, container));
  if (flags.rw) parts.push(await checkpointFiles(client, container));
  if (flags.task) {
    const wish = { exit: false, imagePath: '', workPath: '' };
    parts.push(...(await checkpointTask(client, container.id, wish)));
    const given = anyOfValue(packMessage(CheckpointOptionsSchema, { fileLocks: true }));
    parts.push(await checkpointValue(client, checkpointTypes.options, given));
  }
  if (spec !== undefined && !parts.some(({ mediaType }) => mediaType === checkpointTypes.spec))
    parts.push(await checkpointValue(client, checkpointTypes.spec, spec));
  return parts;
}
