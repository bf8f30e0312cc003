import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { eachName } from '#/cli/each-name.ts';
import { text } from '#/cli/flags.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Send a signal to the main process of containers',
  examples: ['berth kill web', 'berth kill -s HUP web'],
  flags: { signal: text('s', 'SIGNAL', 'Name or number of the signal (default KILL)') },
  arity: atLeast(1),
  run: async ({ context, flags, args }) => {
    const client = await context.connect();
    return eachName(context, args, async (name) => {
      await client.containers.kill(name, flags.signal);
      return name;
    });
  },
});
