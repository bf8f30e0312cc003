import { getContainer } from '#/client/containerd/find-container.ts';
import { deleteContainer } from '#/client/containerd/delete-container.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { eachTarget } from '#/cli/ctr/each-target.ts';
import { releaseNetwork } from '#/cli/ctr/run/cni-network.ts';
import { boolean } from '#/cli/flags.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  about: 'Delete containers that do not run, with their snapshots',
  flags: { 'keep-snapshot': boolean('', 'Leave the snapshot where it is') },
  arity: atLeast(1),
  run: async ({ flags, args, err, env, connect }) => {
    const client = await connect();
    return await eachTarget({ err, verb: 'delete container' }, args, async (word) => {
      const container = await getContainer(client, word);
      await deleteContainer(client, container, { keepSnapshot: flags['keep-snapshot'] });
      await releaseNetwork(client.namespace, container, { env, err });
    });
  },
});
