import { readContent } from '#/client/containerd/content.ts';
import { diffSnapshots } from '#/client/containerd/diff-snapshots.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { now, rootLabel } from '#/cli/ctr/gc-root.ts';
import { askedSnapshotter, snapshotterFlags } from '#/cli/ctr/group-flags.ts';
import { boolean, list, text } from '#/cli/flags.ts';
import { mediaTypes } from '#/oci/manifest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] KEY [KEY]',
  about:
    'Write what a snapshot changed over its parent (or from one snapshot to another) as a layer to standard output',
  examples: ['berth ctr snapshots diff web > layer.tar.gz'],
  flags: {
    'media-type': text('', 'TYPE', `What kind of layer (default "${mediaTypes.ociLayerGzip}")`),
    ref: text('', 'REF', 'Name of the upload that it is made in'),
    keep: boolean('', 'Keep the blob in the store; it is yours to remove'),
    label: list('', 'KEY=VALUE', 'Label of the blob'),
    ...snapshotterFlags,
  },
  arity: between(1, 2),
  run: async ({ flags, args, out, env, connect }) => {
    const [first = '', second = ''] = args;
    const labels = { ...parseLabels(flags.label), ...(flags.keep ? { [rootLabel]: now() } : {}) };
    await underLease(await connect(), async (client) => {
      const snapshotter = await openSnapshotter(client, askedSnapshotter(flags, env));
      const wish = { mediaType: flags['media-type'] ?? mediaTypes.ociLayerGzip, ref: flags.ref ?? '', labels };
      const pair =
        second === '' ? { left: (await snapshotter.stat(first)).parent, right: first } : { left: first, right: second };
      const { digest } = await diffSnapshots({ client, snapshotter }, pair, wish);
      for await (const data of readContent(client, digest)) await out.write(data);
    });
  },
});
