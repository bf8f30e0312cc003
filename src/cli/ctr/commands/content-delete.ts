import { isKind } from '#/base/errors.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { eachTarget } from '#/cli/ctr/each-target.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { parseDigest } from '#/oci/digest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] DIGEST [DIGEST...]',
  about: 'Take blobs out of this namespace; what was there is printed',
  flags: {},
  arity: atLeast(0),
  run: async ({ args, out, err, connect }) => {
    const client = await connect();
    return await eachTarget({ err, verb: 'delete blob' }, args, async (word) => {
      const digest = parseDigest(word);
      try {
        await client.call(Content.method.delete, { digest });
        out.line(digest);
      } catch (error) {
        if (!isKind(error, 'not-found')) throw error;
      }
    });
  },
});
