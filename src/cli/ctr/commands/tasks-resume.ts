import { getContainer } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Let a frozen container go on',
  flags: {},
  arity: exactly(1),
  run: async ({ args, connect }) => {
    const client = await connect();
    const { id } = await getContainer(client, args[0] ?? '');
    await client.call(Tasks.method.resume, { containerId: id });
  },
});
