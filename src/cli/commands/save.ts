import { open, rename, rm } from 'node:fs/promises';
import { EngineError, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { text } from '#/cli/flags.ts';
import { isTerminal } from '#/cli/terminal/terminal.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  about: 'Write images to a tar archive',
  examples: ['berth save -o tools.tar busybox debian:12', 'berth save busybox | gzip > busybox.tar.gz'],
  flags: { output: text('o', 'FILE', 'Write to a file instead of standard output') },
  arity: atLeast(1),
  run: async ({ context, flags, args }) => {
    if (flags.output === undefined && isTerminal(1))
      throw new UsageError('an archive is not for terminals: give a file with "-o", or redirect the output', 1);
    const client = await context.connect();
    const chunks = await client.images.save(args);
    if (flags.output !== undefined) return writeWhole(flags.output, chunks);
    for await (const chunk of chunks) await context.out.write(chunk);
  },
});

/** The file appears when it is complete; what was there before stays until then. Devices and pipes are written as they are. */
async function writeWhole(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${newToken(4)}.tmp`;
  try {
    await using file = await open(temporary, 'wx', 0o600);
    for await (const chunk of chunks) await file.writeFile(chunk);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new EngineError('failed-precondition', `Cannot save to "${path}": ${messageOf(error)}`, { cause: error });
  }
}
