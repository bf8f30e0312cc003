import type { Client } from '#/client/client.ts';
import type { ExecConfig } from '#/client/container-payloads.ts';
import { atLeast, defineCommand, type Command, type Context } from '#/cli/command.ts';
import { boolean, list, text } from '#/cli/flags.ts';
import { readVariables, readVariablesFiles } from '#/cli/key-values.ts';
import { carryStreams } from '#/cli/terminal/carry-streams.ts';
import { defaultDetachKeys, parseDetachKeys } from '#/cli/terminal/detach-keys.ts';
import { isTerminal, terminalSize } from '#/cli/terminal/terminal.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  about: 'Run a command in a running container',
  examples: ['berth exec web ls -l /etc', 'berth exec -it web sh'],
  flags: {
    detach: boolean('d', 'Leave the command running in the background'),
    'detach-keys': text('', 'KEYS', `Keys that let go of the command (default "${defaultDetachKeys}")`),
    env: list('e', 'KEY=VALUE', 'Set an environment variable; KEY alone passes on this shell’s'),
    'env-file': list('', 'FILE', 'Read environment variables from a file'),
    interactive: boolean('i', 'Keep standard input open'),
    privileged: boolean('', 'Give the command all capabilities'),
    tty: boolean('t', 'Give the command a terminal'),
    user: text('u', 'USER[:GROUP]', 'User, by name or id'),
    workdir: text('w', 'DIR', 'Working directory'),
  },
  arity: atLeast(2),
  stopAtFirst: true,
  run: async ({ context, flags, args: [container = '', ...words] }) => {
    const detachKeys = parseDetachKeys(flags['detach-keys'] ?? defaultDetachKeys);
    const stdin = flags.interactive && !flags.detach;
    if (stdin && flags.tty && !isTerminal(0))
      throw new UsageError('"-t" with "-i" needs a terminal, and our input is none; leave out "-t"', 1);
    const size = flags.tty && !flags.detach ? terminalSize() : undefined;
    const config: ExecConfig = {
      Cmd: words,
      AttachStdin: stdin,
      AttachStdout: !flags.detach,
      AttachStderr: !flags.detach,
      Tty: flags.tty,
      Env: [...(await readVariablesFiles(flags['env-file'], context.env)), ...readVariables(flags.env, context.env)],
      Privileged: flags.privileged,
      ...(flags.user === undefined ? {} : { User: flags.user }),
      ...(flags.workdir === undefined ? {} : { WorkingDir: flags.workdir }),
      ...(size === undefined ? {} : { ConsoleSize: [size.rows, size.columns] }),
    };
    const client = await context.connect();
    const { Id: id } = await client.containers.execs.create(container, config);
    if (flags.detach) return client.containers.execs.startDetached(id, { tty: flags.tty });
    return execAttached(context, client, { id, tty: flags.tty, stdin, detachKeys });
  },
});

interface AttachedExec {
  readonly id: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly detachKeys: Buffer;
}

async function execAttached(context: Context, client: Client, exec: AttachedExec): Promise<number> {
  const { execs } = client.containers;
  const { id, tty, stdin, detachKeys } = exec;
  using connection = await execs.startAttached(id, { tty, consoleSize: tty ? terminalSize() : undefined });
  const end = await carryStreams({
    context,
    connection,
    tty,
    stdin,
    detachKeys,
    resize: (size) => execs.resize(id, size),
  });
  if (end === 'detached') return 0;
  const { ExitCode: code } = await execs.inspect(id);
  return code ?? 0;
}
