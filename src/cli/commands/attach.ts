import { EngineError } from '#/base/errors.ts';
import { defineCommand, exactly, type Command } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { followToEnd, type AttachedRun } from '#/cli/run-attached.ts';
import { defaultDetachKeys, parseDetachKeys } from '#/cli/terminal/detach-keys.ts';
import { isTerminal } from '#/cli/terminal/terminal.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  about: 'Connect this terminal’s streams to a running container',
  examples: ['berth attach web', 'berth attach --no-stdin web'],
  flags: {
    'detach-keys': text('', 'KEYS', `Keys that let go of the container (default "${defaultDetachKeys}")`),
    'no-stdin': boolean('', 'Do not send our input'),
    'sig-proxy': boolean('', 'Pass signals on to the container (default true)'),
  },
  arity: exactly(1),
  run: async ({ context, flags, given, args: [name = ''] }) => {
    const detachKeys = parseDetachKeys(flags['detach-keys'] ?? defaultDetachKeys);
    const client = await context.connect();
    const { Id: id, State: state, Config: config } = await client.containers.inspect(name);
    if (!state.Running) throw refusal(name, `it does not run; "berth start -a ${name}" starts it and attaches`);
    if (state.Paused) throw refusal(name, `it is paused; "berth unpause ${name}" lets it go on`);
    if (state.Restarting) throw refusal(name, 'it is restarting');
    const stdin = config.OpenStdin && !flags['no-stdin'];
    if (stdin && config.Tty && !isTerminal(0))
      throw new UsageError('the container has a terminal, and our input is none; add "--no-stdin"', 1);
    const run: AttachedRun = {
      context,
      client,
      id,
      tty: config.Tty,
      stdin,
      stdout: true,
      stderr: true,
      proxy: flags['sig-proxy'] || !given.has('sig-proxy'),
      detachKeys,
      autoRemove: false,
    };
    const waiting = await client.containers.wait(id);
    using connection = await client.containers.attach(id, { stdin, stdout: true, stderr: true });
    return await followToEnd(run, connection, waiting.result);
  },
});

function refusal(name: string, why: string): EngineError {
  return new EngineError('failed-precondition', `Cannot attach to container "${name}": ${why}`);
}
