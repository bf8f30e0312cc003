import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiRig } from '#/api/containerd/open-api.suite.ts';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';

const blue = inNamespace('blue');

/** An image of one blob; the name of the blob's digest. */
async function makeImage({ client, core }: ApiRig, name: string): Promise<string> {
  const { digest, size } = await core.content.put('blue', Buffer.from(name));
  const target = { digest, size: BigInt(size), mediaType: 'application/vnd.oci.image.manifest.v1+json' };
  await client.unary(Images.method.create, { image: { name, target } }, blue);
  return digest;
}

const isHere = ({ client }: ApiRig, digest: string): Promise<boolean> =>
  client.unary(Content.method.info, { digest }, blue).then(
    () => true,
    () => false,
  );

test('deleting an image with sync has collected its content by the time it answers', async () => {
  await using rig = await openApi();
  const digest = await makeImage(rig, 'one');
  await rig.client.unary(Images.method.delete, { name: 'one', sync: true }, blue);
  assert.equal(await isHere(rig, digest), false);
});

test('a lease keeps content of a deleted image until it is deleted with sync', async () => {
  await using rig = await openApi();
  const digest = await makeImage(rig, 'one');
  await rig.client.unary(Leases.method.create, { id: 'keep' }, blue);
  const resource = { type: 'content', id: digest };
  await rig.client.unary(Leases.method.addResource, { id: 'keep', resource }, blue);
  await rig.client.unary(Images.method.delete, { name: 'one', sync: true }, blue);
  assert.equal(await isHere(rig, digest), true);
  await rig.client.unary(Leases.method.delete, { id: 'keep', sync: true }, blue);
  assert.equal(await isHere(rig, digest), false);
});
