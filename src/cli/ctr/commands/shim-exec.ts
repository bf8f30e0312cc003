import { readFile } from 'node:fs/promises';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { shimFlags } from '#/cli/ctr/group-flags.ts';
import { connectToShim } from '#/cli/ctr/shim-connection.ts';
import { boolean, list, text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { Task } from '#/gen/containerd/task/v3/shim_pb.ts';
import { processTypeUrl } from '#/oci/runtime-spec.ts';
import { anyOfValue } from '#/rpc/any.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] EXEC-ID',
  about: 'Have a shim start another process in its container',
  flags: {
    stdin: text('', 'FIFO', 'Pipe to read input from, which must be there'),
    stdout: text('', 'FIFO', 'Pipe to write output to, which must be there'),
    stderr: text('', 'FIFO', 'Pipe to write errors to, which must be there'),
    tty: boolean('t', 'Give the process a terminal'),
    attach: boolean('a', 'Not taken: "berth ctr exec" stays with a process'),
    env: list('e', 'KEY=VALUE', 'Not taken: the spec has the environment'),
    cwd: text('', 'DIR', 'Not taken: the spec has the directory'),
    spec: text('', 'FILE', 'Process of the runtime spec, as JSON'),
    ...shimFlags,
  },
  arity: exactly(1),
  run: async ({ flags, args: [execId = ''], globals, out }) => {
    const { spec: path, id } = flags;
    if (flags.attach || flags.env.length > 0 || flags.cwd !== undefined)
      throw new UsageError('"--attach", "--env" and "--cwd" cannot be followed: use "berth ctr exec"', 1);
    if (path === undefined) throw new UsageError('the process needs a spec: "--spec FILE"', 1);
    if (id === undefined) throw new UsageError('say which container: "--id ID"', 1);
    const spec = anyOfValue({ typeUrl: processTypeUrl, value: await readFile(path) });
    const { stdin = '', stdout = '', stderr = '', tty: terminal } = flags;
    await using shim = await connectToShim(flags, globals);
    await shim.call(Task.method.exec, { id, execId, spec, stdin, stdout, stderr, terminal });
    const { pid } = await shim.call(Task.method.start, { id, execId });
    out.line(`exec running with pid ${pid}`);
  },
});
