import { atLeast } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { openRepository } from '#/cli/ctr/transfer/registry-access.ts';
import { registryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { mediaTypes } from '#/oci/manifest.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE',
  about: 'Write the manifest or index that a registry has of an image to standard output',
  flags: registryFlags,
  arity: atLeast(1),
  run: async ({ flags, args, out, err, env }) => {
    const { registry, reference } = await openRepository({ reference: args[0] ?? '', flags, env, err });
    const name = reference.digest ?? reference.tag ?? 'latest';
    const { ociIndex, ociManifest, dockerList, dockerManifest } = mediaTypes;
    const accept = [dockerManifest, dockerList, ociManifest, ociIndex, '*/*'];
    const answer = await registry.send({ method: 'GET', path: `manifests/${name}`, accept });
    for await (const chunk of answer as AsyncIterable<Buffer>) await out.write(chunk);
  },
});
