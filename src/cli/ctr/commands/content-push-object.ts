import { getContentInfo, readContent } from '#/client/containerd/content.ts';
import type { RegistryClient } from '#/client/registry/registry-request.ts';
import { exactly } from '#/cli/command.ts';
import { defineCtr, type CtrCommand } from '#/cli/ctr/ctr-command.ts';
import { openRepository } from '#/cli/ctr/transfer/registry-access.ts';
import { registryFlags } from '#/cli/ctr/transfer/registry-flags.ts';
import { EngineError } from '#/base/errors.ts';
import { parseDigest } from '#/oci/digest.ts';
import { isIndexType, isManifestType } from '#/oci/manifest.ts';
import type { Reference } from '#/oci/reference.ts';

export const command: CtrCommand = defineCtr({
  usage: '[OPTIONS] IMAGE DIGEST TYPE',
  about: 'Upload one blob, or a manifest under the name of IMAGE, to a registry',
  flags: registryFlags,
  arity: exactly(3),
  run: async ({ flags, args, out, err, env, connect }) => {
    const [ref = '', word = '', type = ''] = args;
    const digest = parseDigest(word);
    const client = await connect();
    const { size } = await getContentInfo(client, digest);
    const { registry, reference } = await openRepository({ reference: ref, flags, env, err });
    const place =
      isManifestType(type) || isIndexType(type) ? manifestPlace(reference) : await openUpload(registry, digest);
    const body = { open: () => readContent(client, digest), size: Number(size), type: place.type ?? type };
    (await registry.send({ method: 'PUT', path: place.path, body })).resume();
    out.line(`Pushed ${digest} ${type}`);
  },
});

interface Place {
  readonly path: string;
  readonly type?: string;
}

const manifestPlace = ({ tag, digest }: Reference): Place => ({ path: `manifests/${tag ?? digest ?? 'latest'}` });

async function openUpload(registry: RegistryClient, digest: string): Promise<Place> {
  const answer = await registry.send({ method: 'POST', path: 'blobs/uploads/' });
  answer.resume();
  const { location } = answer.headers;
  if (location === undefined) throw new EngineError('unavailable', 'Cannot upload: the registry named no place for it');
  const joint = location.includes('?') ? '&' : '?';
  return { path: `${location}${joint}digest=${encodeURIComponent(digest)}`, type: 'application/octet-stream' };
}
