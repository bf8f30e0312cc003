import { EngineError } from '#/base/errors.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { getImage } from '#/client/containerd/find-image.ts';
import { getPlatformImage, targetOf } from '#/client/containerd/image-graph.ts';
import { installLayer } from '#/client/containerd/install-layer.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean, text } from '#/cli/flags.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { hostPlatform } from '#/oci/platform.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE',
  about: 'Copy the programs in bin/ of an image into the daemon’s directory of extra programs',
  examples: ['berth ctr install --path /opt/berth registry.example/runtime:1'],
  flags: {
    libs: boolean('l', 'Copy lib/ as well'),
    replace: boolean('r', 'Replace files that are there'),
    path: text('', 'DIR', 'Directory to copy into (default: what the daemon says)'),
  },
  arity: exactly(1),
  run: async ({ flags, args, connect }) => {
    const client = await connect();
    const image = await getImage(client, args[0] ?? '');
    const directory = flags.path ?? (await optDirectory(client));
    const { manifest } = await getPlatformImage(client, { name: image.name, target: targetOf(image) }, hostPlatform());
    const folders = flags.libs ? ['bin', 'lib'] : ['bin'];
    for (const layer of manifest.layers)
      await installLayer(client, layer, { directory, folders, replace: flags.replace });
  },
});

async function optDirectory(client: ContainerdClient): Promise<string> {
  const { plugins } = await client.call(Introspection.method.plugins, { filters: ['id==opt'] });
  const path = plugins[0]?.exports['path'] ?? '';
  if (path !== '') return path;
  throw new EngineError(
    'failed-precondition',
    'Cannot install: the daemon names no directory for it; give one with --path',
  );
}
