import { statusName } from '#/client/containerd/task-status.ts';
import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'List tasks: what runs, or ran and was not deleted yet',
  flags: { quiet: boolean('q', 'Only show ids') },
  arity: noArguments,
  run: async ({ flags, out, connect }) => {
    const { tasks } = await (await connect()).call(Tasks.method.list, {});
    if (flags.quiet) return tasks.forEach(({ id }) => out.line(id));
    const rows = tasks.map(({ id, pid, status }) => [id, String(pid), statusName(status)]);
    out.text(formatTabbed([['TASK', 'PID', 'STATUS', ''], ...rows], tabShapes.wide));
  },
});
