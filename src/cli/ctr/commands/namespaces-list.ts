import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { labelsText } from '#/cli/ctr/ctr-text.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'List namespaces',
  flags: { quiet: boolean('q', 'Only show names') },
  arity: noArguments,
  run: async ({ flags, out, connect }) => {
    const client = await connect();
    const { namespaces } = await client.call(Namespaces.method.list, {});
    if (flags.quiet) return namespaces.forEach(({ name }) => out.line(name));
    const rows = namespaces.map(({ name, labels }) => [name, labelsText(labels), '']);
    out.text(formatTabbed([['NAME', 'LABELS', ''], ...rows], tabShapes.narrow));
  },
});
