import { defineCommand, noArguments, type Command } from '#/cli/command.ts';
import { boolean, list, number, text } from '#/cli/flags.ts';
import { readFilters } from '#/cli/key-values.ts';
import { containerHeaders, containerRow } from '#/cli/render/container-rows.ts';
import { printList } from '#/cli/render/list-format.ts';

export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  about: 'List containers',
  examples: ['berth ps -a', 'berth ps --filter status=exited', "berth ps --format '{{.Names}}: {{.Status}}'"],
  flags: {
    all: boolean('a', 'Show stopped containers as well'),
    filter: list('f', 'NAME=VALUE', 'Show only what fits'),
    format: text('', 'FORMAT', 'table, json, or a template such as "{{.Names}}"'),
    last: number('n', 'COUNT', 'Show the last ones created, whatever their state'),
    latest: boolean('l', 'Show the last one created'),
    'no-trunc': boolean('', 'Show everything in full'),
    quiet: boolean('q', 'Show ids only'),
    size: boolean('s', 'Show sizes on disk'),
  },
  arity: noArguments,
  run: async ({ context, flags }) => {
    const client = await context.connect();
    const size = flags.size || (flags.format ?? '').includes('.Size');
    const limit = flags.latest ? 1 : (flags.last ?? -1);
    const containers = await client.containers.list({
      all: flags.all,
      size,
      filters: readFilters(flags.filter),
      ...(limit > 0 ? { limit } : {}),
    });
    const options = { truncate: !flags['no-trunc'], now: Date.now() };
    printList(
      context.out,
      containers.map((container) => containerRow(container, options)),
      {
        format: flags.format,
        quiet: flags.quiet,
        headers: containerHeaders,
        columns: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names', ...(flags.size ? ['Size'] : [])],
      },
    );
  },
});
