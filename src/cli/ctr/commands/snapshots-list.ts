import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { kindText } from '#/cli/ctr/snapshot-text.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'List snapshots: the file trees of layers and containers',
  flags: { ...snapshotterFlags },
  arity: atLeast(0),
  run: async ({ flags, args, out, env, connect }) => {
    const snapshotter = await openSnapshotter(await connect(), askedSnapshotter(flags, env));
    const rows = [['KEY', 'PARENT', 'KIND', '']];
    for await (const { name, parent, kind } of snapshotter.list(args)) rows.push([name, parent, kindText(kind), '']);
    out.text(formatTabbed(rows, tabShapes.narrow));
  },
});
