import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { labelsText, localTimeText } from '#/cli/ctr/ctr-text.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'List leases: what keeps things from being collected as garbage',
  flags: { quiet: boolean('q', 'Only show ids') },
  arity: atLeast(0),
  run: async ({ flags, args, out, connect }) => {
    const { leases } = await (await connect()).call(Leases.method.list, { filters: [...args] });
    if (flags.quiet) return leases.forEach(({ id }) => out.line(id));
    const rows = leases.map(({ id, createdAt, labels }) => [id, localTimeText(createdAt), labelsText(labels, '-'), '']);
    out.text(formatTabbed([['ID', 'CREATED AT', 'LABELS', ''], ...rows], tabShapes.narrow));
  },
});
