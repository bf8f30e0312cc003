import { isKind } from '#/base/errors.ts';
import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { unusedImages } from '#/cli/ctr/unused-images.ts';
import { boolean } from '#/cli/flags.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Remove all images that no container uses',
  flags: { all: boolean('', 'Needed, because everything that is not in use goes') },
  arity: noArguments,
  run: async ({ flags, err, connect }) => {
    if (!flags.all) return err.line('berth ctr: nothing was removed: give "--all" to remove every image not in use');
    const client = await connect();
    const unused = await unusedImages(client, new Set());
    for (const [at, name] of unused.entries()) {
      try {
        await client.call(Images.method.delete, { name, sync: at === unused.length - 1 });
        err.line(`deleted image: ${name}`);
      } catch (error) {
        if (!isKind(error, 'not-found')) throw error;
      }
    }
  },
});
