import { isKind } from '#/base/errors.ts';
import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Remove all images that no container uses',
  flags: { all: boolean('', 'Needed, because everything that is not in use goes') },
  arity: noArguments,
  run: async ({ flags, err, connect }) => {
    if (!flags.all) return err.line('berth ctr: nothing was removed: give "--all" to remove every image not in use');
    const client = await connect();
    const { images } = await client.call(Images.method.list, {});
    const { containers } = await client.call(Containers.method.list, {});
    const used = new Set(containers.map(({ image }) => image));
    const unused = images.filter(({ name }) => !used.has(name));
    for (const [at, { name }] of unused.entries()) {
      try {
        await client.call(Images.method.delete, { name, sync: at === unused.length - 1 });
        err.line(`deleted image: ${name}`);
      } catch (error) {
        if (!isKind(error, 'not-found')) throw error;
      }
    }
  },
});
