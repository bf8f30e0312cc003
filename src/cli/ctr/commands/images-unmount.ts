import { isKind } from '#/base/errors.ts';
import { Mounts } from '#/gen/containerd/services/mounts/v1/mounts_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { boolean } from '#/cli/flags.ts';
import { unmountAll } from '#/linux/mount.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] DIR',
  about: 'Unmount an image that was mounted there',
  flags: { rm: boolean('', 'Remove its snapshot as well'), ...snapshotterFlags },
  arity: exactly(1),
  run: async ({ flags, args, out, env, connect }) => {
    const [target = ''] = args;
    const client = await connect();
    await unmountAll(target);
    if (flags.rm) {
      const unlessGone = (error: unknown): void => {
        if (!isKind(error, 'not-found')) throw error;
      };
      await client.call(Leases.method.delete, { id: target }).catch(unlessGone);
      const snapshotter = await openSnapshotter(client, askedSnapshotter(flags, env));
      await client.call(Mounts.method.deactivate, { name: target }).catch(() => {});
      await snapshotter.remove(target).catch(unlessGone);
    }
    out.line(target);
  },
});
