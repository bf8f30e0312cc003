import { findImage } from '#/client/containerd/find-image.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { eachTarget } from '#/cli/ctr/each-target.ts';
import { boolean } from '#/cli/flags.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  about: 'Remove names of images; content that has no name left becomes garbage',
  flags: { sync: boolean('', 'Come back when the garbage is gone') },
  arity: atLeast(0),
  run: async ({ flags, args, out, err, connect }) => {
    const client = await connect();
    const last = args.at(-1);
    return await eachTarget({ err, verb: 'delete image' }, args, async (word) => {
      const image = await findImage(client, word);
      if (image === undefined) return err.line(`berth ctr: there is no image "${word}"`);
      await client.call(Images.method.delete, { name: image.name, sync: flags.sync && word === last });
      out.line(image.name);
    });
  },
});
