import { isKind, messageOf } from '#/base/errors.ts';
import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { eachName } from '#/cli/each-name.ts';
import { boolean } from '#/cli/flags.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Remove containers',
  flags: {
    force: boolean('f', 'Kill running ones first'),
    volumes: boolean('v', 'Remove their anonymous volumes as well'),
  },
  arity: atLeast(1),
  run: async ({ context, flags, args }) => {
    const client = await context.connect();
    return eachName(context, args, async (name) => {
      try {
        await client.containers.remove(name, flags);
        return name;
      } catch (error) {
        // With force, what is not there is as good as removed.
        if (!flags.force || !isKind(error, 'not-found')) throw error;
        context.err.line(messageOf(error));
        return undefined;
      }
    });
  },
});
