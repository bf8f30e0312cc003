import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { eachName } from '#/cli/each-name.ts';
import { number, text } from '#/cli/flags.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Stop containers: their stop signal first, SIGKILL after a while',
  flags: {
    signal: text('s', 'SIGNAL', 'Signal to send first, instead of the container’s own'),
    time: number('', 'SECONDS', 'The same as --timeout'),
    timeout: number('t', 'SECONDS', 'How long to wait before the kill (-1 for ever)'),
  },
  arity: atLeast(1),
  run: async ({ context, flags, args }) => {
    const client = await context.connect();
    return eachName(context, args, async (name) => {
      await client.containers.stop(name, { timeout: flags.timeout ?? flags.time, signal: flags.signal });
      return name;
    });
  },
});
