import { getContainer } from '#/client/containerd/find-container.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { labelLog } from '#/client/containerd/container-log.ts';
import { runTask, specOf, startDetached } from '#/cli/ctr/run/start-task.ts';
import { chooseIo } from '#/cli/ctr/run/task-io.ts';
import { boolean, text } from '#/cli/flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER',
  about: 'Run what a container was made for; its exit code becomes ours',
  flags: {
    'no-pivot': boolean('', 'Do not use pivot_root'),
    'null-io': boolean('', 'Throw away all output, and give no input'),
    'log-uri': text('', 'URI', 'Where output goes, such as file:///var/log/web.log'),
    'fifo-dir': text('', 'DIR', 'Where the pipes for input and output are made'),
    'pid-file': text('', 'FILE', 'Write the process id to this file'),
    detach: boolean('d', 'Come back at once; "berth ctr logs" shows the output'),
  },
  arity: exactly(1),
  run: async ({ flags, args, out, err, connect }) => {
    const client = await connect();
    const container = await getContainer(client, args[0] ?? '');
    const io = chooseIo({
      address: client.address,
      namespace: client.namespace,
      id: container.id,
      terminal: specOf(container).process.terminal ?? false,
      nullIo: flags['null-io'],
      logUri: flags['log-uri'],
      fifoDirectory: flags['fifo-dir'],
      detached: flags.detach,
    });
    const noPivot = flags['no-pivot'];
    const task = { client, container, io, noPivot, pidFile: flags['pid-file'], out, err };
    if (!flags.detach) return await runTask(task);
    if (io.kind === 'paths') await labelLog(client, container, io.paths.stdout);
    return await startDetached(task);
  },
});
