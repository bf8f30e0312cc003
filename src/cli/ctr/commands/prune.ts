import { deleteContainer } from '#/client/containerd/delete-container.ts';
import { findTask } from '#/client/containerd/find-container.ts';
import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { eachTarget } from '#/cli/ctr/each-target.ts';
import { releaseNetwork } from '#/cli/ctr/run/cni-network.ts';
import { unusedImages } from '#/cli/ctr/unused-images.ts';
import { boolean } from '#/cli/flags.ts';
import { ask } from '#/cli/terminal/ask.ts';
import { isTerminal } from '#/cli/terminal/terminal.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { Containers, type Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { createLease } from '#/client/containerd/lease-work.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Remove containers that do not run, and with --images also images that none of the rest uses',
  examples: ['berth ctr prune', 'berth ctr prune --images --force'],
  flags: {
    images: boolean('', 'Remove images that are not in use as well'),
    force: boolean('f', 'Do not ask'),
  },
  arity: noArguments,
  run: async ({ flags, out, err, env, connect }) => {
    const client = await connect();
    const idle = await idleContainers(client);
    const images = flags.images ? await unusedImages(client, new Set(idle.map(({ id }) => id))) : [];
    if (idle.length + images.length === 0) return out.line('There is nothing to remove');
    const what = [...idle.map(({ id }) => `container ${id}`), ...images.map((name) => `image ${name}`)];
    if (!flags.force) {
      if (!isTerminal(0)) throw new UsageError('there is nobody to ask: give "--force" to remove without asking', 1);
      err.line(`This removes from namespace ${client.namespace}:\n${what.map((each) => `  ${each}`).join('\n')}`);
      const answer = await ask('Go on? [y/N] ', { err, secret: false });
      if (!/^y(?:es)?$/i.test(answer.trim())) return 1;
    }
    const failed = await eachTarget(
      { err, verb: 'remove container' },
      idle.map(({ id }) => id),
      async (id) => {
        const container = idle.find((each) => each.id === id);
        if (container === undefined) return;
        await deleteContainer(client, container, { keepSnapshot: false });
        await releaseNetwork(client.namespace, container, { env, err });
        out.line(id);
      },
    );
    for (const name of images) {
      await client.call(Images.method.delete, { name });
      out.line(name);
    }
    await collect(client);
    return failed;
  },
});

/** Made but never started, or ended. */
async function idleContainers(client: ContainerdClient): Promise<Container[]> {
  const { containers } = await client.call(Containers.method.list, {});
  const tasks = await Promise.all(containers.map(({ id }) => findTask(client, id)));
  return containers.filter((_container, at) => tasks[at] === undefined || tasks[at].status === Status.STOPPED);
}

const hour = 60 * 60 * 1000;

/** The end of a lease has the daemon collect at once. */
async function collect(client: ContainerdClient): Promise<void> {
  await client.call(Leases.method.delete, { id: await createLease(client, { lifetimeMs: hour }), sync: true });
}
