import { createLease } from '#/client/containerd/lease-work.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { readDuration } from '#/cli/ctr/read-duration.ts';
import { text } from '#/cli/flags.ts';

const day = '24h';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] [KEY=VALUE...]',
  about: 'Make a lease, with labels, and show its id',
  flags: {
    id: text('', 'ID', 'Id of the lease (default: made up)'),
    expires: text('x', 'DURATION', 'When it ends by itself; 0 for never (default 24h)'),
  },
  arity: atLeast(0),
  run: async ({ flags, args, out, connect }) => {
    const labels = parseLabels(args, '');
    const lifetimeMs = readDuration('--expires', flags.expires ?? day);
    out.line(await createLease(await connect(), { id: flags.id, labels, lifetimeMs }));
  },
});
