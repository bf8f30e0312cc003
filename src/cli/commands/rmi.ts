import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { eachName } from '#/cli/each-name.ts';
import { boolean } from '#/cli/flags.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  about: 'Remove images',
  flags: {
    force: boolean('f', 'Remove even what containers or other names use'),
    'no-prune': boolean('', 'Keep untagged parents'),
  },
  arity: atLeast(1),
  run: async ({ context, flags, args }) => {
    const client = await context.connect();
    return eachName(context, args, async (name) => {
      const removed = await client.images.remove(name, { force: flags.force, noPrune: flags['no-prune'] });
      return removed
        .map(({ Untagged: untagged, Deleted: deleted }) =>
          untagged === undefined ? `Deleted: ${deleted ?? ''}` : `Untagged: ${untagged}`,
        )
        .join('\n');
    });
  },
});
