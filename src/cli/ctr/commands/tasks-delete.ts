import { getContainer, getTask } from '#/client/containerd/find-container.ts';
import { removeFifos } from '#/client/containerd/process-io.ts';
import { endProcess } from '#/client/containerd/end-process.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { eachTarget } from '#/cli/ctr/each-target.ts';
import { boolean, text } from '#/cli/flags.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Delete tasks that have ended; their containers stay and can be started again',
  flags: {
    force: boolean('f', 'End those that still run'),
    'exec-id': text('', 'ID', 'Delete this execed process instead; its exit code becomes ours'),
  },
  arity: atLeast(1),
  run: async ({ flags, args, err, connect }) => {
    const client = await connect();
    const execId = flags['exec-id'];
    if (execId !== undefined) {
      const { id: containerId } = await getContainer(client, args[0] ?? '');
      if (flags.force) await endProcess(client, { containerId, execId });
      return (await client.call(Tasks.method.deleteProcess, { containerId, execId })).exitStatus;
    }
    return await eachTarget({ err, verb: 'delete task' }, args, async (word) => {
      const { id: containerId } = await getContainer(client, word);
      const task = await getTask(client, containerId);
      if (flags.force) await endProcess(client, { containerId, execId: '' });
      const { exitStatus } = await client.call(Tasks.method.delete, { containerId });
      await removeFifos(task);
      if (exitStatus !== 0) err.line(`berth ctr: task "${containerId}" ended with exit code ${exitStatus}`);
    });
  },
});
