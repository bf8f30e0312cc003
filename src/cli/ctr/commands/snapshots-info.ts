import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { snapshotJson } from '#/cli/ctr/snapshot-text.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] KEY',
  about: 'Show all that is known of a snapshot',
  flags: { ...snapshotterFlags },
  arity: exactly(1),
  run: async ({ flags, args, out, env, connect }) => {
    const snapshotter = await openSnapshotter(await connect(), askedSnapshotter(flags, env));
    out.line(snapshotJson(await snapshotter.stat(args[0] ?? '')));
  },
});
