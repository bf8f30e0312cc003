import { readContent } from '#/client/containerd/content.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { parseDigest } from '#/oci/digest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] DIGEST',
  about: 'Write the bytes of a blob to standard output',
  flags: {},
  arity: exactly(1),
  run: async ({ args, out, connect }) => {
    const digest = parseDigest(args[0] ?? '');
    for await (const data of readContent(await connect(), digest)) await out.write(data);
  },
});
