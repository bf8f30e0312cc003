import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Show snapshots as trees, children below their parents',
  flags: { ...snapshotterFlags },
  arity: noArguments,
  run: async ({ flags, out, env, connect }) => {
    const snapshotter = await openSnapshotter(await connect(), askedSnapshotter(flags, env));
    const children = new Map<string, string[]>();
    for await (const { name, parent } of snapshotter.list())
      children.set(parent, [...(children.get(parent) ?? []), name]);
    const print = (name: string, level: number): void => {
      out.line(`${'  '.repeat(level)}${level > 0 ? '\\_' : ''} ${name}`);
      for (const child of children.get(name) ?? []) print(child, level + 1);
    };
    for (const root of children.get('') ?? []) print(root, 0);
  },
});
