import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { shimFlags } from '#/cli/ctr/group-flags.ts';
import { connectToShim } from '#/cli/ctr/shim-connection.ts';
import { Task } from '#/gen/containerd/task/v3/shim_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] ID',
  about: 'Have a shim delete a container that has ended',
  flags: shimFlags,
  arity: exactly(1),
  run: async ({ flags, args: [id = ''], globals, out }) => {
    await using shim = await connectToShim(flags, globals);
    const { exitStatus } = await shim.call(Task.method.delete, { id });
    out.line(`container deleted and returned exit status ${exitStatus}`);
  },
});
