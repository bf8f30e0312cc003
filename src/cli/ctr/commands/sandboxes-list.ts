import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { printedTime } from '#/cli/ctr/ctr-text.ts';
import { list } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { Store } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'List sandboxes: what several containers live in together',
  flags: { filters: list('', 'FILTER', 'Only sandboxes that pass') },
  arity: noArguments,
  run: async ({ flags, out, connect }) => {
    const client = await connect();
    const { list: sandboxes } = await client.call(Store.method.list, { filters: [...flags.filters] });
    const rows = sandboxes.map(({ sandboxId, createdAt, runtime }) => [
      sandboxId,
      printedTime(createdAt),
      runtime?.name ?? '',
      '',
    ]);
    out.text(formatTabbed([['ID', 'CREATED', 'RUNTIME', ''], ...rows], tabShapes.narrow));
  },
});
