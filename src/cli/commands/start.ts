import type { Client } from '#/client/client.ts';
import { atLeast, defineCommand, type Command, type Context } from '#/cli/command.ts';
import { eachName } from '#/cli/each-name.ts';
import { boolean, text } from '#/cli/flags.ts';
import { runAttached } from '#/cli/run-attached.ts';
import { defaultDetachKeys, parseDetachKeys } from '#/cli/terminal/detach-keys.ts';
import { isTerminal } from '#/cli/terminal/terminal.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Start stopped containers',
  examples: ['berth start web', 'berth start -ai shell'],
  flags: {
    attach: boolean('a', 'Show its output and end with its exit code'),
    'detach-keys': text('', 'KEYS', `Keys that let go of the container (default "${defaultDetachKeys}")`),
    interactive: boolean('i', 'Send our input as well'),
    'sig-proxy': boolean('', 'Pass signals on to the container (default true)'),
  },
  arity: atLeast(1),
  run: async ({ context, flags, given, args }) => {
    const client = await context.connect();
    if (!flags.attach && !flags.interactive)
      return eachName(context, args, async (name) => {
        await client.containers.start(name);
        return name;
      });
    const [name = '', ...more] = args;
    if (more.length > 0) throw new UsageError('"--attach" and "--interactive" take one container at a time', 1);
    return startAttached(context, client, {
      name,
      interactive: flags.interactive,
      proxy: flags['sig-proxy'] || !given.has('sig-proxy'),
      detachKeys: parseDetachKeys(flags['detach-keys'] ?? defaultDetachKeys),
    });
  },
});

interface AttachedStart {
  readonly name: string;
  readonly interactive: boolean;
  readonly proxy: boolean;
  readonly detachKeys: Buffer;
}

async function startAttached(context: Context, client: Client, start: AttachedStart): Promise<number> {
  const { Id: id, Config: config, HostConfig: host } = await client.containers.inspect(start.name);
  const stdin = start.interactive && config.OpenStdin;
  if (stdin && config.Tty && !isTerminal(0))
    throw new UsageError('the container has a terminal, and our input is none; leave out "-i"', 1);
  return runAttached({
    context,
    client,
    id,
    tty: config.Tty,
    stdin,
    stdout: true,
    stderr: true,
    proxy: start.proxy,
    detachKeys: start.detachKeys,
    autoRemove: host?.AutoRemove ?? false,
  });
}
