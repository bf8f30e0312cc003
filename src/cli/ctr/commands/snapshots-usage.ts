import { openSnapshotter, type Snapshotter } from '#/client/containerd/snapshotter.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { binarySizeText } from '#/cli/ctr/ctr-text.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [KEY...]',
  about: 'Show what snapshots take on the disk, without what their parents take',
  flags: { b: boolean('', 'Sizes in bytes'), ...snapshotterFlags },
  arity: atLeast(0),
  run: async ({ flags, args, out, env, connect }) => {
    const snapshotter = await openSnapshotter(await connect(), askedSnapshotter(flags, env));
    const keys = args.length > 0 ? args : await allKeys(snapshotter);
    const rows = [['KEY', 'SIZE', 'INODES', '']];
    for (const key of keys) {
      const { size, inodes } = await snapshotter.usage(key);
      rows.push([key, flags.b ? String(size) : binarySizeText(size), String(inodes), '']);
    }
    out.text(formatTabbed(rows, tabShapes.narrow));
  },
});

async function allKeys(snapshotter: Snapshotter): Promise<string[]> {
  const keys: string[] = [];
  for await (const { name } of snapshotter.list()) keys.push(name);
  return keys;
}
