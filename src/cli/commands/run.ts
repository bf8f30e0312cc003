import { messageOf } from '#/base/errors.ts';
import { atLeast, defineCommand, type Command, type Context } from '#/cli/command.ts';
import { containerFlags, planContainer, type ContainerPlan } from '#/cli/container-flags.ts';
import { createContainer } from '#/cli/create-container.ts';
import { boolean, text } from '#/cli/flags.ts';
import { BrokenPipe } from '#/cli/output.ts';
import { exitCodeOfFailure, runAttached } from '#/cli/run-attached.ts';
import { defaultDetachKeys, parseDetachKeys } from '#/cli/terminal/detach-keys.ts';
import { isTerminal, terminalSize } from '#/cli/terminal/terminal.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  about: 'Create a container from an image and start it',
  examples: [
    'berth run --rm busybox echo hello',
    'berth run -it --rm debian:12 bash',
    'berth run -d --name web --network host nginx',
  ],
  flags: {
    ...containerFlags,
    detach: boolean('d', 'Leave it running in the background and print its id'),
    'detach-keys': text('', 'KEYS', `Keys that let go of the container (default "${defaultDetachKeys}")`),
    'sig-proxy': boolean('', 'Pass signals on to the container (default true)'),
  },
  arity: atLeast(1),
  stopAtFirst: true,
  run: async ({ context, flags, given, args }) => {
    const detachKeys = parseDetachKeys(flags['detach-keys'] ?? defaultDetachKeys);
    const plan = await planContainer({ flags, args, detach: flags.detach, env: context.env });
    const { AttachStdin: stdin = false, Tty: tty = false } = plan.config;
    if (stdin && tty && !isTerminal(0))
      throw new UsageError('"-t" with "-i" needs a terminal, and our input is none; leave out "-t"', 1);
    const proxy = flags['sig-proxy'] || !given.has('sig-proxy');
    return runPlan(context, withConsoleSize(plan), { detach: flags.detach, detachKeys, proxy });
  },
});

interface RunMode {
  readonly detach: boolean;
  readonly detachKeys: Buffer;
  readonly proxy: boolean;
}

async function runPlan(context: Context, plan: ContainerPlan, mode: RunMode): Promise<number> {
  try {
    const client = await context.connect();
    const id = await createContainer(context, client, plan);
    const { config } = plan;
    if (mode.detach) {
      await client.containers.start(id);
      context.out.line(id);
      return 0;
    }
    return await runAttached({
      context,
      client,
      id,
      tty: config.Tty ?? false,
      stdin: config.AttachStdin ?? false,
      stdout: config.AttachStdout ?? false,
      stderr: config.AttachStderr ?? false,
      proxy: mode.proxy,
      detachKeys: mode.detachKeys,
      autoRemove: config.HostConfig?.AutoRemove ?? false,
    });
  } catch (error) {
    if (error instanceof BrokenPipe) throw error;
    context.err.line(`berth: ${messageOf(error)}`);
    return exitCodeOfFailure(error);
  }
}

/** The terminal has its size from the first moment on. */
function withConsoleSize(plan: ContainerPlan): ContainerPlan {
  const size = plan.config.Tty === true ? terminalSize() : undefined;
  if (size === undefined) return plan;
  const HostConfig = { ...plan.config.HostConfig, ConsoleSize: [size.rows, size.columns] as const };
  return { ...plan, config: { ...plan.config, HostConfig } };
}
