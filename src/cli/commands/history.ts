import type { ImageHistoryEntry } from '#/client/image-payloads.ts';
import { defineCommand, exactly, type Command } from '#/cli/command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { humanDuration, humanSize } from '#/cli/render/human-units.ts';
import { printList, type Row } from '#/cli/render/list-format.ts';
import { formatIsoSeconds } from '#/cli/render/local-time.ts';
import { ellipsis } from '#/cli/render/text-width.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  about: 'Show the steps that made an image, the last one first',
  flags: {
    format: text('', 'FORMAT', 'table, json, or a template such as "{{.CreatedBy}}"'),
    human: boolean('H', 'Sizes and dates as people say them (default true)'),
    'no-trunc': boolean('', 'Show everything in full'),
    quiet: boolean('q', 'Show ids only'),
  },
  arity: exactly(1),
  run: async ({ context, flags, given, args: [name = ''] }) => {
    const client = await context.connect();
    const entries = await client.images.history(name);
    const human = flags.human || !given.has('human');
    const options = { human, truncate: !flags['no-trunc'], now: Date.now() };
    printList(
      context.out,
      entries.map((entry) => historyRow(entry, options)),
      {
        format: flags.format,
        quiet: flags.quiet,
        headers,
        columns: ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'],
      },
    );
  },
});

const headers = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
};

interface Options {
  readonly human: boolean;
  readonly truncate: boolean;
  readonly now: number;
}

const stepLength = 45;

function historyRow(entry: ImageHistoryEntry, { human, truncate, now }: Options): Row {
  const step = entry.CreatedBy.replaceAll('\t', ' ');
  const since = entry.Created > 0 ? `${humanDuration(now - entry.Created * 1000)} ago` : 'N/A';
  return {
    ID: truncate ? entry.Id.replace(/^sha256:/, '').slice(0, 12) : entry.Id,
    CreatedSince: human ? since : formatIsoSeconds(entry.Created),
    CreatedAt: formatIsoSeconds(entry.Created),
    CreatedBy: truncate ? ellipsis(step, stepLength) : step,
    Size: human ? humanSize(entry.Size) : String(entry.Size),
    Comment: entry.Comment ?? '',
  };
}
