import { getContentInfo } from '#/client/containerd/content.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { labelsText, parseLabels } from '#/cli/ctr/ctr-text.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { parseDigest } from '#/oci/digest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] DIGEST [KEY=VALUE...]',
  about: 'Set labels of a blob (an empty value clears one) and show all it has',
  flags: {},
  arity: atLeast(1),
  run: async ({ args, out, connect }) => {
    const [word = '', ...words] = args;
    const digest = parseDigest(word);
    const labels = parseLabels(words);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    const client = await connect();
    const info =
      paths.length === 0
        ? await getContentInfo(client, digest)
        : (await client.call(Content.method.update, { info: { digest, labels }, updateMask: { paths } })).info;
    out.line(labelsText(info?.labels ?? {}));
  },
});
