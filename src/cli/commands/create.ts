import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { containerFlags, planContainer } from '#/cli/container-flags.ts';
import { createContainer } from '#/cli/create-container.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  about: 'Create a container without starting it, and print its id',
  examples: ['berth create --name clock busybox date', 'berth start -a clock'],
  flags: containerFlags,
  arity: atLeast(1),
  stopAtFirst: true,
  run: async ({ context, flags, args }) => {
    const plan = await planContainer({ flags, args, detach: false, env: context.env });
    context.out.line(await createContainer(context, await context.connect(), plan));
  },
});
