import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { now, rootLabel } from '#/cli/ctr/gc-root.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] NAME KEY',
  about: 'Turn the writable snapshot KEY into the committed one NAME',
  flags: { ...snapshotterFlags },
  arity: exactly(2),
  run: async ({ flags, args, env, connect }) => {
    const [name = '', key = ''] = args;
    const snapshotter = await openSnapshotter(await connect(), askedSnapshotter(flags, env));
    await snapshotter.commit(name, key, { [rootLabel]: now() });
  },
});
