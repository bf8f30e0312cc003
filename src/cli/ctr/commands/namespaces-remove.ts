import { isKind } from '#/base/errors.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { eachTarget } from '#/cli/ctr/each-target.ts';
import { boolean } from '#/cli/flags.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] NAME [NAME...]',
  about: 'Remove namespaces that have nothing in them any more',
  flags: { cgroup: boolean('c', 'Remove the control group of the same name as well') },
  arity: atLeast(1),
  run: async ({ flags, args, out, err, connect }) => {
    const client = await connect();
    return await eachTarget({ err, verb: 'remove namespace' }, args, async (name) => {
      try {
        await client.call(Namespaces.method.delete, { name });
        if (flags.cgroup) await removeNamedCgroup(name);
      } catch (error) {
        if (!isKind(error, 'not-found')) throw error;
      }
      out.line(name);
    });
  },
});
