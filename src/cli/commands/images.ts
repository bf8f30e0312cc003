import { between, defineCommand, type Command } from '#/cli/command.ts';
import { boolean, list, text } from '#/cli/flags.ts';
import { readFilters } from '#/cli/key-values.ts';
import { imageHeaders, imageRows } from '#/cli/render/image-rows.ts';
import { printList, type Row } from '#/cli/render/list-format.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  about: 'List images',
  examples: [
    'berth images',
    'berth images --digests debian',
    "berth images --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
  ],
  flags: {
    all: boolean('a', 'Show intermediate images as well'),
    digests: boolean('', 'Show digests'),
    filter: list('f', 'NAME=VALUE', 'Show only what fits'),
    format: text('', 'FORMAT', 'table, json, or a template such as "{{.Repository}}"'),
    'no-trunc': boolean('', 'Show everything in full'),
    quiet: boolean('q', 'Show ids only'),
  },
  arity: between(0, 1),
  run: async ({ context, flags, args: [name] }) => {
    const filters = readFilters(flags.filter);
    if (name !== undefined) filters['reference'] = [...(filters['reference'] ?? []), name];
    const client = await context.connect();
    const images = await client.images.list({ all: flags.all, digests: flags.digests, filters });
    const digests = flags.digests || (flags.format ?? '').includes('.Digest');
    const options = { truncate: !flags['no-trunc'], now: Date.now(), digests };
    const newestFirst = [...images].sort((left, right) => right.Created - left.Created);
    const rows = newestFirst.flatMap((image) => imageRows(image, options));
    printList(context.out, flags.quiet ? onePerId(rows) : rows, {
      format: flags.format,
      quiet: flags.quiet,
      headers: imageHeaders,
      columns: ['Repository', 'Tag', ...(flags.digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'],
    });
  },
});

/** An image of two names is still one id to whoever reads ids. */
function onePerId(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [row['ID'], row])).values()];
}
