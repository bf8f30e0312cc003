import { deleteRecord } from '#/client/containerd/delete-container.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { containerFlags, runFlags } from '#/cli/ctr/run/container-flags.ts';
import { checkWords, makeContainer } from '#/cli/ctr/run/make-container.ts';
import { runTask, specOf, startDetached } from '#/cli/ctr/run/start-task.ts';
import { openNetwork } from '#/cli/ctr/run/cni-network.ts';
import { chooseIo, type TaskIo } from '#/cli/ctr/run/task-io.ts';
import { logLabels } from '#/client/containerd/container-log.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE|DIRECTORY NAME [COMMAND] [ARG...]',
  about: 'Run a command in a new container; an image that is not here is pulled',
  examples: ['berth ctr run -it --rm alpine try sh', 'berth ctr run -d --net-host nginx web', 'berth ctr logs -f web'],
  flags: { ...runFlags, ...containerFlags },
  arity: atLeast(1),
  stopAtFirst: true,
  run: async ({ flags, given, args, globals, out, err, env, connect }) => {
    const wish = { flags, args, env, err, withConfig: given.has('config') };
    checkWords(wish);
    const client = await connect();
    const io = (id: string, terminal: boolean): TaskIo =>
      chooseIo({
        address: client.address,
        namespace: globals.namespace,
        id,
        terminal,
        nullIo: flags['null-io'],
        logUri: flags['log-uri'],
        fifoDirectory: flags['fifo-dir'],
        detached: flags.detach,
      });
    const container = await makeContainer(client, { ...wish, labels: (id) => logLabels(stdoutOf(io(id, flags.tty))) });
    const task = {
      client,
      container,
      io: io(container.id, specOf(container).process.terminal ?? false),
      noPivot: flags['no-pivot'],
      pidFile: flags['pid-file'],
      network: flags.cni ? openNetwork(globals.namespace, container.id, env) : undefined,
      out,
      err,
    };
    try {
      if (!flags.detach) return await runTask(task);
      await startDetached(task);
      return 0;
    } finally {
      if (flags.rm) await deleteRecord(client, container, false);
    }
  },
});

const stdoutOf = (io: TaskIo): string => (io.kind === 'paths' ? io.paths.stdout : '');
