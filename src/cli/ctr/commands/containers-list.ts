import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'List containers, running or not',
  examples: ["berth ctr containers ls 'labels.tier==front'"],
  flags: { quiet: boolean('q', 'Only show ids') },
  arity: atLeast(0),
  run: async ({ flags, args, out, connect }) => {
    const { containers } = await (await connect()).call(Containers.method.list, { filters: [...args] });
    if (flags.quiet) return containers.forEach(({ id }) => out.line(id));
    const rows = containers.map(({ id, image, runtime }) => [id, image || '-', runtime?.name ?? '', '']);
    out.text(formatTabbed([['CONTAINER', 'IMAGE', 'RUNTIME', ''], ...rows], tabShapes.wide));
  },
});
