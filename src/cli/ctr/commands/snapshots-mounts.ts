import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { activateMounts } from '#/client/containerd/activate-mounts.ts';
import { mountCommands } from '#/cli/ctr/snapshot-text.ts';
import { boolean } from '#/cli/flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] DIR KEY',
  about: 'Show the commands that mount a snapshot on DIR',
  flags: { temp: boolean('', 'Have the daemon mount it, and show a bind mount of that'), ...snapshotterFlags },
  arity: exactly(2),
  run: async ({ flags, args, out, env, connect }) => {
    const [target = '', key = ''] = args;
    const client = await connect();
    const snapshotter = await openSnapshotter(client, askedSnapshotter(flags, env));
    const mounts = await snapshotter.mounts(key);
    const active = flags.temp ? await activateMounts(client, `ctr${key}`, mounts) : mounts;
    mountCommands(target, active).forEach((line) => out.line(line));
  },
});
