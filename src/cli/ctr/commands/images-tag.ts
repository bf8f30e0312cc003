import { fullImageName, getImage } from '#/client/containerd/find-image.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { nameImage } from '#/client/containerd/name-image.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { parseReference } from '#/oci/reference.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE NAME [NAME...]',
  about: 'Give an image more names',
  examples: ['berth ctr images tag nginx registry.example/web:1'],
  flags: {
    force: boolean('', 'Take the name from another image that has it'),
    local: boolean('', 'Refuse a name that is taken, as ctr --local does, unless --force is given'),
    'skip-reference-check': boolean('', 'Take names that are no image references, as they are'),
  },
  arity: atLeast(2),
  run: async ({ flags, args, out, connect }) => {
    const [source = '', ...words] = args;
    const check = !flags['skip-reference-check'];
    const names = words.map((word) => (check ? checked(word) : word));
    await underLease(await connect(), async (client) => {
      const image = await getImage(client, source);
      for (const name of names) {
        if (flags.local && !flags.force) await client.call(Images.method.create, { image: { ...image, name } });
        else await nameImage(client, { ...image, name });
        out.line(name);
      }
    });
  },
});

/** Throws `invalid-argument` for what is no reference. */
function checked(word: string): string {
  parseReference(word);
  return fullImageName(word);
}
