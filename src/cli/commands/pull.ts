import { parseReference } from '#/oci/reference.ts';
import { defineCommand, exactly, type Command } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { pullImage } from '#/cli/pull-image.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  about: 'Download an image from a registry',
  examples: [
    'berth pull busybox',
    'berth pull localhost:5000/tools:1.2',
    'berth pull --platform linux/arm64 debian:12',
  ],
  flags: {
    platform: text('', 'PLATFORM', 'Platform to pull where the image has several, such as linux/arm64'),
    quiet: boolean('q', 'Print the image’s name only'),
  },
  arity: exactly(1),
  run: async ({ context, flags, args: [image = ''] }) => {
    const client = await context.connect();
    const { platform, quiet } = flags;
    const { tag, digest } = parseReference(image);
    const isDefaultTag = tag !== undefined && digest === undefined && !image.endsWith(`:${tag}`);
    if (isDefaultTag && !quiet) context.out.line(`Using default tag: ${tag}`);
    const reference = await pullImage({ client, image, platform, quiet, output: context.out, fd: 1, env: context.env });
    context.out.line(reference);
  },
});
