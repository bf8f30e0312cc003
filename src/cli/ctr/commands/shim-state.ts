import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { jsonText } from '#/cli/ctr/ctr-text.ts';
import { messageFields } from '#/cli/ctr/message-json.ts';
import { apiVersionFlag, isOlderApi } from '#/cli/ctr/shim-api-version.ts';
import { shimFlags } from '#/cli/ctr/group-flags.ts';
import { connectToShim } from '#/cli/ctr/shim-connection.ts';
import { text } from '#/cli/flags.ts';
import { StateResponseSchema as StateV2, Task as TaskV2 } from '#/gen/containerd/task/v2/shim_pb.ts';
import { StateResponseSchema, Task } from '#/gen/containerd/task/v3/shim_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Show what a shim says of the first process of its container',
  flags: {
    'task-id': text('t', 'ID', 'Container to ask about (default: that of --id)'),
    ...apiVersionFlag,
    ...shimFlags,
  },
  arity: noArguments,
  run: async ({ flags, globals, out }) => {
    const id = flags['task-id'] ?? flags.id ?? '';
    const older = isOlderApi(flags);
    await using shim = await connectToShim(flags, globals);
    const fields = older
      ? messageFields(StateV2, await shim.call(TaskV2.method.state, { id }))
      : messageFields(StateResponseSchema, await shim.call(Task.method.state, { id }));
    out.line(jsonText(fields));
  },
});
