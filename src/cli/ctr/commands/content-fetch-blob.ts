import { createHash } from 'node:crypto';
import { EngineError } from '#/base/errors.ts';
import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { openRepository } from '#/cli/ctr/transfer/registry-access.ts';
import { registryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { text } from '#/cli/flags.ts';
import { algorithmOf, hexOf, parseDigest } from '#/oci/digest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE DIGEST [DIGEST...]',
  about: 'Write blobs that a registry has to standard output',
  flags: { 'media-type': text('', 'TYPE', 'Media type to ask for'), ...registryFlags },
  arity: atLeast(2),
  run: async ({ flags, args, out, err, env }) => {
    const [ref = '', ...words] = args;
    const digests = words.map(parseDigest);
    const { registry } = await openRepository({ reference: ref, flags, env, err });
    const accept = [flags['media-type'] ?? '*/*'];
    for (const digest of digests) {
      const answer = await registry.send({ method: 'GET', path: `blobs/${digest}`, accept });
      const hash = createHash(algorithmOf(digest));
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        hash.update(chunk);
        await out.write(chunk);
      }
      if (hash.digest('hex') !== hexOf(digest))
        throw new EngineError('data-loss', `Cannot trust what the registry sent: its bytes are not ${digest}`);
    }
  },
});
