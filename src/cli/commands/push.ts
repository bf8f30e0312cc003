import { throwOnError } from '#/client/progress-error.ts';
import { familiarRepository, parseReference } from '#/oci/reference.ts';
import { defineCommand, exactly, type Command } from '#/cli/command.ts';
import { boolean } from '#/cli/flags.ts';
import { showProgress } from '#/cli/progress/show-progress.ts';
import { terminalShape } from '#/cli/progress/terminal-shape.ts';
import { registryAuth } from '#/cli/registry/registry-auth.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  about: 'Upload an image to a registry',
  examples: ['berth tag busybox localhost:5000/busybox', 'berth push localhost:5000/busybox'],
  flags: { quiet: boolean('q', 'Print the image’s name only') },
  arity: exactly(1),
  run: async ({ context, flags, args: [image = ''] }) => {
    const reference = parseReference(image);
    if (reference.digest !== undefined) throw new UsageError('an image is pushed by its tag, not by a digest', 1);
    const { tag = 'latest', domain } = reference;
    const repository = familiarRepository(reference);
    const client = await context.connect();
    const messages = throwOnError(
      await client.images.push({ repository, tag, registryAuth: await registryAuth(domain, context.env) }),
    );
    if (flags.quiet) {
      // The stream is read to its end all the same: it is over when the push is.
      for await (const message of messages) void message;
      context.out.line(`${domain}/${reference.path}:${tag}`);
      return;
    }
    await showProgress(messages, { output: context.out, shape: terminalShape(1, context.env) });
  },
});
