import { EngineError } from '#/base/errors.ts';
import { attachStreams, removeFifos } from '#/client/containerd/process-io.ts';
import { getContainer, getTask } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { carryProcess, superviseProcess } from '#/cli/ctr/run/follow-process.ts';
import { findLog } from '#/client/containerd/container-log.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Connect this terminal to a task that was started with pipes; its exit code becomes ours',
  flags: {},
  arity: exactly(1),
  run: async ({ args, out, err, connect }) => {
    const client = await connect();
    const container = await getContainer(client, args[0] ?? '');
    const { stdin, stdout, stderr, terminal } = await getTask(client, container.id);
    if (!stdout.startsWith('/')) {
      const way = findLog(container) === undefined ? '' : `; "berth ctr logs -f ${container.id}" follows it`;
      const where = stdout === '' ? 'is thrown away' : `goes to ${stdout}`;
      throw new EngineError('failed-precondition', `Cannot attach to "${container.id}": its output ${where}${way}`);
    }
    const name = { containerId: container.id, execId: '' };
    const followed = { client, name, out, err };
    await using streams = await attachStreams({ stdin, stdout, stderr, terminal }, async () => {});
    using carrying = carryProcess(followed, streams);
    using supervision = superviseProcess(followed, terminal);
    void supervision;
    const { exitStatus } = await client.call(Tasks.method.wait, name);
    await carrying.output;
    await client.call(Tasks.method.delete, { containerId: container.id }).catch(() => {});
    await removeFifos({ stdin, stdout, stderr });
    return exitStatus;
  },
});
