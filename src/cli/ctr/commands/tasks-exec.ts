import { randomBytes } from 'node:crypto';
import { usersBelow } from '#/client/containerd/root-users.ts';
import { getContainer, getTask } from '#/client/containerd/find-container.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { runExec, startExec } from '#/cli/ctr/run/run-exec.ts';
import { specOf } from '#/cli/ctr/run/start-task.ts';
import { chooseIo } from '#/cli/ctr/run/task-io.ts';
import { boolean, text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { findUser } from '#/oci/find-user.ts';
import type { SpecProcess } from '#/oci/runtime-spec.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  about: 'Run another command in a running container; its exit code becomes ours',
  examples: ['berth ctr exec -it web sh'],
  flags: {
    cwd: text('', 'DIR', 'Directory that the command starts in'),
    tty: boolean('t', 'Give the command a terminal'),
    interactive: boolean('i', 'Pass our standard input on, which is always done (so that -it works)'),
    detach: boolean('d', 'Come back when it has been started'),
    'exec-id': text('', 'ID', 'Id of the new process (default: made up)'),
    'fifo-dir': text('', 'DIR', 'Where the pipes for input and output are made'),
    'log-uri': text('', 'URI', 'Where output goes, such as file:///var/log/x.log'),
    user: text('u', 'USER[:GROUP]', 'User to run as, by name or number'),
  },
  arity: atLeast(2),
  stopAtFirst: true,
  run: async ({ flags, args, out, err, connect }) => {
    if (flags['log-uri'] !== undefined && (flags.tty || flags['fifo-dir'] !== undefined))
      throw new UsageError('"--log-uri" cannot be given with "--tty" or "--fifo-dir"', 1);
    const [word = '', ...command] = args;
    const client = await connect();
    const container = await getContainer(client, word);
    const { pid } = await getTask(client, container.id);
    const own = specOf(container).process;
    const spec: SpecProcess = {
      ...own,
      ...(flags.user === undefined ? {} : { user: await userOf(pid, flags.user) }),
      args: command,
      terminal: flags.tty,
      ...(flags.cwd === undefined ? {} : { cwd: flags.cwd }),
      env: withTerm(own.env ?? [], flags.tty),
    };
    const execId = flags['exec-id'] ?? `exec-${randomBytes(4).toString('hex')}`;
    const name = { containerId: container.id, execId };
    const io = chooseIo({
      address: client.address,
      namespace: client.namespace,
      id: execId,
      terminal: flags.tty,
      nullIo: flags.detach && flags['fifo-dir'] === undefined && flags['log-uri'] === undefined,
      logUri: flags['log-uri'],
      fifoDirectory: flags['fifo-dir'],
      detached: flags.detach,
    });
    const wish = { client, name, spec, io, out, err };
    return flags.detach ? await startExec(wish) : await runExec(wish);
  },
});

async function userOf(pid: number, text: string): Promise<SpecProcess['user']> {
  const { uid, gid, additionalGids } = findUser(text, await usersBelow(`/proc/${pid}/root`));
  return { uid, gid, additionalGids: [...new Set([gid, ...additionalGids])] };
}

/** Programs on a terminal want to know which. */
function withTerm(env: readonly string[], terminal: boolean): readonly string[] {
  return terminal && !env.some((entry) => entry.startsWith('TERM=')) ? [...env, 'TERM=xterm'] : env;
}
