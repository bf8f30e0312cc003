import { chooseSnapshotter, openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { labelsText, parseLabels } from '#/cli/ctr/ctr-text.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] KEY [KEY=VALUE...]',
  about: 'Set labels of a snapshot (an empty value clears one) and show all it has',
  flags: { ...snapshotterFlags },
  arity: atLeast(1),
  run: async ({ flags, args, out, env, connect }) => {
    const [name = '', ...words] = args;
    const labels = parseLabels(words);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    const client = await connect();
    const snapshotter = await chooseSnapshotter(client, askedSnapshotter(flags, env));
    const request = { snapshotter, info: { name, labels }, updateMask: { paths } };
    const info =
      paths.length === 0
        ? await (await openSnapshotter(client, snapshotter)).stat(name)
        : (await client.call(Snapshots.method.update, request)).info;
    out.line(labelsText(info?.labels ?? {}));
  },
});
