import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { eachTarget } from '#/cli/ctr/each-target.ts';
import { boolean } from '#/cli/flags.ts';
import { isKind, messageOf } from '#/base/errors.ts';
import { Controller, Store } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] SANDBOX [SANDBOX...]',
  about: 'Stop sandboxes and remove them',
  flags: { force: boolean('f', 'Remove them even when they cannot be stopped') },
  arity: atLeast(1),
  run: async ({ flags, args, out, err, connect }) => {
    const client = await connect();
    return await eachTarget({ err, verb: 'remove sandbox' }, args, async (sandboxId) => {
      const { sandbox } = await client.call(Store.method.get, { sandboxId });
      const sandboxer = sandbox?.sandboxer ?? '';
      try {
        await client.call(Controller.method.stop, { sandboxId, sandboxer });
      } catch (error) {
        if (!flags.force && !isKind(error, 'not-found')) throw error;
        err.line(`berth ctr: ${messageOf(error)}`);
      }
      await client.call(Controller.method.shutdown, { sandboxId, sandboxer }).catch((error: unknown) => {
        if (!isKind(error, 'not-found')) throw error;
      });
      await client.call(Store.method.delete, { sandboxId }).catch((error: unknown) => {
        if (!isKind(error, 'not-found')) throw error;
      });
      out.line(sandboxId);
    });
  },
});
