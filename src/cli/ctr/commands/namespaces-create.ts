import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] NAME [KEY=VALUE...]',
  about: 'Make a namespace, with labels',
  flags: {},
  arity: atLeast(1),
  run: async ({ args, connect }) => {
    const [name = '', ...words] = args;
    const labels = parseLabels(words);
    await (await connect()).call(Namespaces.method.create, { namespace: { name, labels } });
  },
});
