import { defineCommand, exactly, type Command } from '#/cli/command.ts';

export const command: Command = defineCommand({
  usage: 'CONTAINER NEW_NAME',
  about: 'Give a container another name',
  flags: {},
  arity: exactly(2),
  run: async ({ context, args: [name = '', newName = ''] }) => {
    const client = await context.connect();
    await client.containers.rename(name, newName);
  },
});
