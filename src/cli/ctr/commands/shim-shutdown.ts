import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { shimFlags } from '#/cli/ctr/group-flags.ts';
import { connectToShim } from '#/cli/ctr/shim-connection.ts';
import { apiVersionFlag, isOlderApi } from '#/cli/ctr/shim-api-version.ts';
import { Task as TaskV2 } from '#/gen/containerd/task/v2/shim_pb.ts';
import { Task } from '#/gen/containerd/task/v3/shim_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Have a shim end itself, if it has no container any more',
  flags: { ...apiVersionFlag, ...shimFlags },
  arity: noArguments,
  run: async ({ flags, globals }) => {
    const older = isOlderApi(flags);
    await using shim = await connectToShim(flags, globals);
    if (older) await shim.call(TaskV2.method.shutdown, {});
    else await shim.call(Task.method.shutdown, {});
  },
});
