import { throwOnError } from '#/client/progress-error.ts';
import { defineCommand, noArguments, type Command } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { openArchive } from '#/cli/open-archive.ts';
import { showProgress } from '#/cli/progress/show-progress.ts';
import { terminalShape } from '#/cli/progress/terminal-shape.ts';
import { isTerminal } from '#/cli/terminal/terminal.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  about: 'Read images from a tar archive',
  examples: ['berth load -i tools.tar', 'gunzip -c busybox.tar.gz | berth load'],
  flags: {
    input: text('i', 'FILE', 'Read from a file instead of standard input'),
    quiet: boolean('q', 'Do not show progress'),
  },
  arity: noArguments,
  run: async ({ context, flags }) => {
    if (flags.input === undefined && isTerminal(0))
      throw new UsageError('there is no archive to read: give a file with "-i", or redirect the input', 1);
    const tar = flags.input === undefined ? process.stdin : await openArchive(flags.input);
    const client = await context.connect();
    const shape = terminalShape(1, context.env);
    const quiet = flags.quiet || shape() === undefined;
    const messages = throwOnError(await client.images.load(tar, { quiet }));
    await showProgress(messages, { output: context.out, shape: quiet ? () => undefined : shape });
  },
});
