import { describeFailure } from '#/base/errors.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] KEY [KEY...]',
  about: 'Remove snapshots',
  flags: { ...snapshotterFlags },
  arity: atLeast(1),
  run: async ({ flags, args, env, connect }) => {
    const snapshotter = await openSnapshotter(await connect(), askedSnapshotter(flags, env));
    for (const key of args)
      await snapshotter.remove(key).catch((error: unknown) => {
        throw describeFailure(`Cannot remove snapshot "${key}"`, error);
      });
  },
});
