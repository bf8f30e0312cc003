import { atLeast, defineCommand, type Command } from '#/cli/command.ts';
import { formatTable } from '#/cli/render/table.ts';
import { visible } from '#/cli/render/text-width.ts';

export const command: Command = defineCommand({
  usage: 'CONTAINER [PS_OPTION...]',
  about: 'List the processes of a container',
  examples: ['berth top web', 'berth top web -o pid,user,args'],
  flags: {},
  arity: atLeast(1),
  stopAtFirst: true,
  run: async ({ context, args: [name = '', ...psWords] }) => {
    const client = await context.connect();
    const { Titles: titles, Processes: processes } = await client.containers.top(name, psWords.join(' ') || undefined);
    const rows = [titles, ...(processes ?? [])].map((row) => row.map(visible));
    context.out.text(formatTable(rows, { narrowest: 20, gap: 3 }));
  },
});
