import { familiarRepository, parseReference } from '#/oci/reference.ts';
import { defineCommand, exactly, type Command } from '#/cli/command.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  about: 'Give an image another name; the old one stays',
  flags: {},
  arity: exactly(2),
  run: async ({ context, args: [source = '', target = ''] }) => {
    const reference = parseReference(target);
    if (reference.digest !== undefined) throw new UsageError('a new name has a tag, not a digest', 1);
    const client = await context.connect();
    await client.images.tag(source, { repository: familiarRepository(reference), tag: reference.tag ?? 'latest' });
  },
});
