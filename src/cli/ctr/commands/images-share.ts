import { fullImageName, getImage } from '#/client/containerd/find-image.ts';
import { shareImage } from '#/client/containerd/share-image.ts';
import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { text } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE [NAME]',
  about: 'Give an image to another namespace, such as Kubernetes’ own, without moving its bytes',
  examples: ['berth ctr images share web:1 --to k8s.io', 'berth ctr -n k8s.io images share web:1 --to default'],
  flags: { to: text('', 'NAMESPACE', 'Namespace that gets it') },
  arity: between(1, 2),
  run: async ({ flags, args, out, connect }) => {
    const { to } = flags;
    if (to === undefined) throw new UsageError('say which namespace gets it: --to NAMESPACE', 1);
    const [word = '', name] = args;
    const client = await connect();
    if (to === client.namespace) throw new UsageError(`the image is in namespace "${to}" already`, 1);
    const image = await getImage(client, word);
    const shared = name === undefined ? image : { ...image, name: fullImageName(name) };
    const { blobs } = await shareImage(client, shared, to);
    out.line(`${shared.name} is in namespace ${to} now (${blobs} blobs)`);
  },
});
