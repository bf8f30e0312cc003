import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentStore } from '#/core/content/contract.ts';
import type { ResolvedImage } from '#/core/images/contract.ts';
import { rememberResolved } from '#/core/images/remember-resolved.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';

const target = { mediaType: mediaTypes.ociManifest, digest: digestOf('manifest'), size: 8 };
const image: ResolvedImage = {
  manifestDescriptor: target,
  manifest: { mediaType: target.mediaType, config: target, layers: [], annotations: {} },
  config: { platform: { os: 'linux', architecture: 'amd64' }, config: {}, diffIds: [], history: [] },
  configDigest: digestOf('config'),
  chain: [],
};

test('rememberResolved() reads an image once per namespace and platform, and again when it was gone', async () => {
  const present = new Set(['a', 'b']);
  const content = {
    find: (namespace: string) => (present.has(namespace) ? { digest: target.digest } : undefined),
  } as unknown as ContentStore;
  let reads = 0;
  const resolve = rememberResolved(content, async () => {
    reads += 1;
    return image;
  });
  await resolve('a', target);
  await resolve('a', target);
  assert.equal(reads, 1);
  await resolve('b', target);
  await resolve('a', target, { os: 'linux', architecture: 'riscv64' });
  assert.equal(reads, 3);
  present.delete('a');
  await resolve('a', target);
  assert.equal(reads, 4);
});
