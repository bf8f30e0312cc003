import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] LEASE [LEASE...]',
  about: 'End leases; what only they kept is garbage from then on',
  flags: { sync: boolean('', 'Come back when the garbage is gone') },
  arity: atLeast(1),
  run: async ({ flags, args, out, connect }) => {
    const client = await connect();
    for (const [at, id] of args.entries()) {
      await client.call(Leases.method.delete, { id, sync: flags.sync && at === args.length - 1 });
      out.line(id);
    }
  },
});
