import { now } from '#/base/clock.ts';
import { asStdout, demultiplex } from '#/client/stdio-frames.ts';
import { defineCommand, exactly, type Command } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { parseMoment } from '#/cli/quantities.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  about: 'Show what a container wrote to its output and error streams',
  examples: ['berth logs -f --tail 20 web', 'berth logs --since 10m web'],
  flags: {
    details: boolean('', 'Show extra attributes of each line'),
    follow: boolean('f', 'Go on as the container writes'),
    since: text('', 'TIME', 'From this time on, or so long ago (10m)'),
    tail: text('n', 'LINES', 'So many lines from the end (default "all")'),
    timestamps: boolean('t', 'Begin each line with its time'),
    until: text('', 'TIME', 'Up to this time, or so long ago (10m)'),
  },
  arity: exactly(1),
  run: async ({ context, flags, args: [name = ''] }) => {
    const { follow, timestamps, details } = flags;
    const tail = flags.tail ?? 'all';
    if (tail !== 'all' && !/^-?[0-9]{1,12}$/.test(tail))
      throw new UsageError(`flag "--tail" needs a number or "all", not "${tail}"`);
    const time = now();
    const since = flags.since === undefined ? undefined : parseMoment('--since', flags.since, time);
    const until = flags.until === undefined ? undefined : parseMoment('--until', flags.until, time);
    const client = await context.connect();
    const { Config: config } = await client.containers.inspect(name);
    const bytes = await client.containers.logs(name, { follow, timestamps, details, tail, since, until });
    const chunks = config.Tty ? asStdout(bytes) : demultiplex(bytes);
    for await (const { stream, data } of chunks) await (stream === 'stdout' ? context.out : context.err).write(data);
  },
});
