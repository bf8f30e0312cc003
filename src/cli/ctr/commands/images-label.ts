import { getImage } from '#/client/containerd/find-image.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { labelsText, parseLabels } from '#/cli/ctr/ctr-text.ts';
import { boolean } from '#/cli/flags.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE [KEY=VALUE...]',
  about: 'Set labels of an image (an empty value clears one) and show all it has',
  flags: { 'replace-all': boolean('r', 'Have no labels but these') },
  arity: atLeast(1),
  run: async ({ flags, args, out, connect }) => {
    const [word = '', ...words] = args;
    const labels = parseLabels(words);
    const client = await connect();
    const { name, target, labels: present } = await getImage(client, word);
    const keys = Object.keys(labels);
    if (keys.length === 0 && !flags['replace-all']) return out.line(labelsText(present));
    const paths = flags['replace-all'] ? ['labels'] : keys.map((key) => `labels.${key}`);
    const image = { name, labels, ...(target === undefined ? {} : { target }) };
    const updated = await client.call(Images.method.update, { image, updateMask: { paths } });
    out.line(labelsText(updated.image?.labels ?? {}));
  },
});
