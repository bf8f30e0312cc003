import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { eachName } from '#/cli/each-name.ts';

export const command: Command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  about: 'Freeze all processes of containers',
  flags: {},
  arity: atLeast(1),
  run: async ({ context, args }) => {
    const client = await context.connect();
    return eachName(context, args, async (name) => {
      await client.containers.pause(name);
      return name;
    });
  },
});
