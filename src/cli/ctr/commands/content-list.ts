import { listContent } from '#/client/containerd/content.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { ageText, decimalSizeText, labelsText } from '#/cli/ctr/ctr-text.ts';
import { boolean } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [FILTER...]',
  about: 'List blobs: the manifests, configs and layers that are here',
  examples: ["berth ctr content ls 'labels.tier==front'"],
  flags: { quiet: boolean('q', 'Only show digests') },
  arity: atLeast(0),
  run: async ({ flags, args, out, connect }) => {
    const client = await connect();
    const rows = [['DIGEST', 'SIZE', 'AGE', 'LABELS']];
    for await (const { digest, size, createdAt, labels } of listContent(client, args)) {
      if (flags.quiet) out.line(digest);
      else rows.push([digest, decimalSizeText(size), ageText(createdAt), labelsText(labels, '-')]);
    }
    if (!flags.quiet) out.text(formatTabbed(rows, tabShapes.tabs));
  },
});
