import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] NAME [KEY=VALUE...]',
  about: 'Set labels of a namespace; an empty value clears one',
  flags: {},
  arity: atLeast(1),
  run: async ({ args, connect }) => {
    const [name = '', ...words] = args;
    const labels = parseLabels(words);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    if (paths.length === 0) return;
    const client = await connect();
    await client.call(Namespaces.method.update, { namespace: { name, labels }, updateMask: { paths } });
  },
});
