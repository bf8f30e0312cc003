import { between } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { ageText, decimalSizeText } from '#/cli/ctr/ctr-text.ts';
import { text } from '#/cli/flags.ts';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [PATTERN]',
  about: 'List uploads and downloads that have not ended, or were broken off',
  flags: {
    timeout: text('t', 'DURATION', 'Give up after so long (also CONTAINERD_FETCH_TIMEOUT)'),
    root: text('', 'DIR', 'Not taken: the daemon knows where its content is'),
  },
  arity: between(0, 1),
  run: async ({ flags, args, out, connect }) => {
    if (flags.root !== undefined)
      throw new UsageError('flag "--root" has no meaning here: the daemon knows where its content is', 1);
    const [pattern = ''] = args;
    const client = await connect();
    const { statuses } = await client.call(Content.method.listStatuses, { filters: pattern === '' ? [] : [pattern] });
    const rows = statuses.map(({ ref, offset, startedAt }) => [ref, decimalSizeText(offset), ageText(startedAt), '']);
    out.text(formatTabbed([['REF', 'SIZE', 'AGE', ''], ...rows], tabShapes.tabs));
  },
});
