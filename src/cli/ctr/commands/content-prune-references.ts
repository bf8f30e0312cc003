import type { Info } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { listContent } from '#/client/containerd/content.ts';
import { createLease } from '#/client/containerd/lease-work.ts';
import { noArguments } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { boolean } from '#/cli/flags.ts';

const hour = 60 * 60 * 1000;

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS]',
  about: 'Let go of layers: images keep their snapshots, and their compressed layers become garbage',
  flags: {
    async: boolean('', 'Do not wait until the garbage is gone'),
    dry: boolean('', 'Only show which labels would go'),
  },
  arity: noArguments,
  run: async ({ flags, err, connect }) => {
    const client = await connect();
    const found: Info[] = [];
    for await (const info of listContent(client, [])) found.push(info);
    for (const info of found) {
      const keys = Object.keys(info.labels).filter(isLayerReference);
      if (flags.dry) for (const key of keys) err.line(`would remove label ${key} of ${info.digest}`);
      if (flags.dry || keys.length === 0) continue;
      const paths = keys.map((key) => `labels.${key}`);
      await client.call(Content.method.update, { info: { digest: info.digest }, updateMask: { paths } });
    }
    if (flags.dry) return;
    // The end of a lease is what has the daemon collect at once.
    const id = await createLease(client, { lifetimeMs: hour });
    await client.call(Leases.method.delete, { id, sync: !flags.async });
  },
});

const layerPrefix = 'containerd.io/gc.ref.content.l.';
const olderForm = /^containerd\.io\/gc\.ref\.content\.(\d*)$/;

/** Older clients numbered all that a manifest names: 0 was its config. */
function isLayerReference(key: string): boolean {
  return key.startsWith(layerPrefix) || (olderForm.test(key) && !key.endsWith('.content.0'));
}
