import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { now, rootLabel } from '#/cli/ctr/gc-root.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { printNewMounts } from '#/cli/ctr/snapshot-text.ts';
import { boolean, text } from '#/cli/flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] KEY [PARENT]',
  about: 'Make a writable snapshot on top of a committed one',
  flags: {
    target: text('t', 'DIR', 'Show the mount commands that put it there'),
    mounts: boolean('', 'Show its mounts as JSON'),
    ...snapshotterFlags,
  },
  arity: between(1, 2),
  run: async ({ flags, args, out, env, connect }) => {
    const [key = '', parent = ''] = args;
    const snapshotter = await openSnapshotter(await connect(), askedSnapshotter(flags, env));
    printNewMounts(out, flags, await snapshotter.prepare(key, parent, { [rootLabel]: now() }));
  },
});
