import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ApiRig } from '#/api/containerd/open-api.suite.ts';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { now } from '#/base/clock.ts';
import type { ContainerSchema } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Containers } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Images } from '#/gen/containerd/services/images/v1/images_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { Namespaces } from '#/gen/containerd/services/namespaces/v1/namespace_pb.ts';
import { Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { digestOf } from '#/oci/digest.ts';
import { jsonTypeUrls } from '#/rpc/any.ts';

const blue = inNamespace('blue');
const spec = { typeUrl: jsonTypeUrls.spec, value: Buffer.from('{ "ociVersion" : "1.1.0" }') };

type Init = Extract<MessageInitShape<typeof ContainerSchema>, { readonly $typeName?: never }>;

const container = (id: string, more: Init = {}): Init => ({
  id,
  image: 'docker.io/library/busybox:latest',
  runtime: { name: 'io.containerd.runc.v2' },
  spec,
  ...more,
});

const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('m'), size: 7n };

const topicsOf = ({ core }: ApiRig): string[] => core.events.history(0n).map(({ event }) => event.topic);

test('Containers.Create stores Anys byte for byte, with our times, and tells of it', async () => {
  await using rig = await openApi();
  const before = now();
  const options = { typeUrl: 'example.Unknown', value: Buffer.from([1, 2, 255]) };
  const { container: made } = await rig.client.unary(
    Containers.method.create,
    {
      container: container('one', {
        runtime: { name: 'io.containerd.runc.v2', options },
        extensions: { 'nerdctl/x': { typeUrl: 'type.googleapis.com/a.B', value: Buffer.from('ext') } },
        createdAt: { seconds: 5n },
        labels: { a: '1' },
      }),
    },
    blue,
  );
  const { container: stored } = await rig.client.unary(Containers.method.get, { id: 'one' }, blue);
  assert.deepEqual(stored, made);
  assert.deepEqual([stored?.spec?.typeUrl, Buffer.from(stored?.spec?.value ?? [])], [spec.typeUrl, spec.value]);
  assert.deepEqual(Buffer.from(stored?.runtime?.options?.value ?? []), options.value);
  assert.equal(stored?.extensions['nerdctl/x']?.typeUrl, 'a.B');
  const created = (stored?.createdAt?.seconds ?? 0n) * 1_000_000_000n + BigInt(stored?.createdAt?.nanos ?? 0);
  assert(created >= before && created <= now());
  assert.deepEqual(topicsOf(rig), ['/containers/create']);
});

test('Containers.Create refuses what is malformed, and a second one of the same id', async () => {
  await using rig = await openApi();
  const create = (made: Init): Promise<unknown> =>
    rig.client.unary(Containers.method.create, { container: made }, blue);
  await create(container('one'));
  await assert.rejects(create(container('one')), { kind: 'already-exists' });
  const { spec: _spec, ...specless } = container('two');
  for (const bad of [
    container('../up'),
    container(''),
    container('two', { runtime: { name: '' } }),
    specless,
    container('two', { snapshotKey: 'k' }),
    container('two', { labels: { long: 'x'.repeat(4096) } }),
    container('two', { extensions: { '': spec } }),
  ])
    await assert.rejects(create(bad), { kind: 'invalid-argument' });
  await assert.rejects(rig.client.unary(Containers.method.create, {}, blue), { kind: 'invalid-argument' });
  await assert.rejects(rig.client.unary(Containers.method.get, { id: 'two' }, blue), { kind: 'not-found' });
  assert.deepEqual(topicsOf(rig), ['/containers/create']);
});

test('Containers.List and ListStream filter by id, image, runtime.name and labels', async () => {
  await using rig = await openApi();
  for (const [id, tier] of [
    ['web-1', 'front'],
    ['web-2', 'front'],
    ['db', 'back'],
  ] as const) {
    const made = container(id, { labels: { 'example.com/tier': tier } });
    await rig.client.unary(Containers.method.create, { container: made }, blue);
  }
  const list = async (...filters: string[]): Promise<string[]> =>
    (await rig.client.unary(Containers.method.list, { filters }, blue)).containers.map(({ id }) => id).toSorted();
  assert.deepEqual(await list(), ['db', 'web-1', 'web-2']);
  assert.deepEqual(await list('id~=^web'), ['web-1', 'web-2']);
  assert.deepEqual(await list('labels."example.com/tier"==back', 'id==web-2'), ['db', 'web-2']);
  assert.deepEqual(await list('runtime.name==io.containerd.runc.v2,image~=busybox,id!=db'), ['web-1', 'web-2']);
  const streamed: string[] = [];
  for await (const { container: each } of rig.client.serverStream(Containers.method.listStream, {}, blue))
    streamed.push(each?.id ?? '');
  assert.deepEqual(streamed.toSorted(), ['db', 'web-1', 'web-2']);
  const { containers } = await rig.client.unary(Containers.method.list, {}, inNamespace('green'));
  assert.deepEqual(containers, []);
});

test('Containers.Update changes what the mask names; without one it replaces, and holds immutables', async () => {
  await using rig = await openApi();
  await rig.client.unary(
    Containers.method.create,
    { container: container('one', { labels: { a: '1', b: '2' } }) },
    blue,
  );
  const update = async (changed: Init, ...paths: string[]): Promise<Record<string, string>> =>
    (await rig.client.unary(Containers.method.update, { container: changed, updateMask: { paths } }, blue)).container
      ?.labels ?? {};
  assert.deepEqual(await update({ id: 'one', labels: { a: '9', b: '8' } }, 'labels.a'), { a: '9', b: '2' });
  assert.deepEqual(await update({ id: 'one', labels: { a: '' } }, 'labels.a'), { b: '2' });
  assert.deepEqual(await update(container('one', { labels: { z: '1' } })), { z: '1' });
  await assert.rejects(update({ id: 'one' }, 'created_at'), { kind: 'invalid-argument' });
  await assert.rejects(update({ id: 'one' }, 'runtime'), { kind: 'invalid-argument' });
  await assert.rejects(update(container('one', { runtime: { name: 'io.containerd.kata.v2' } })), {
    kind: 'invalid-argument',
    message: /immutable/,
  });
  await assert.rejects(update(container('nobody')), { kind: 'not-found' });
});

test('Containers.Delete removes the record once', async () => {
  await using rig = await openApi();
  await rig.client.unary(Containers.method.create, { container: container('one') }, blue);
  await rig.client.unary(Containers.method.delete, { id: 'one' }, blue);
  await assert.rejects(rig.client.unary(Containers.method.delete, { id: 'one' }, blue), { kind: 'not-found' });
  assert.deepEqual(topicsOf(rig), ['/containers/create', '/containers/delete']);
});

test('Images are created, listed, updated by mask and deleted only with the right target', async () => {
  await using rig = await openApi();
  const { client } = rig;
  await client.unary(Images.method.create, { image: { name: 'a:1', target, labels: { k: 'v' } } }, blue);
  await assert.rejects(client.unary(Images.method.create, { image: { name: 'a:1', target } }, blue), {
    kind: 'already-exists',
  });
  for (const bad of [
    { name: '', target },
    { name: 'x', target: { ...target, digest: 'sha256:zz' } },
    { name: 'x', target: { ...target, size: 0n } },
    { name: 'x', target: { ...target, mediaType: '' } },
    { name: 'x' },
  ])
    await assert.rejects(client.unary(Images.method.create, { image: bad }, blue), { kind: 'invalid-argument' });
  const names = async (...filters: string[]): Promise<string[]> =>
    (await client.unary(Images.method.list, { filters }, blue)).images.map(({ name }) => name);
  assert.deepEqual(await names(`target.digest==${target.digest}`, 'name==nothing'), ['a:1']);
  assert.deepEqual(await names('target.mediatype~=docker'), []);
  const other = { ...target, digest: digestOf('other') };
  const { image } = await client.unary(
    Images.method.update,
    {
      image: { name: 'a:1', target: other, labels: { k: 'ignored', n: 'new' } },
      updateMask: { paths: ['target', 'labels.n'] },
    },
    blue,
  );
  assert.deepEqual([image?.target?.digest, image?.labels], [other.digest, { k: 'v', n: 'new' }]);
  await assert.rejects(client.unary(Images.method.update, { image: { name: 'none', target } }, blue), {
    kind: 'not-found',
  });
  await assert.rejects(client.unary(Images.method.delete, { name: 'a:1', target }, blue), { kind: 'not-found' });
  await client.unary(Images.method.delete, { name: 'a:1', target: other }, blue);
  await assert.rejects(client.unary(Images.method.get, { name: 'a:1' }, blue), { kind: 'not-found' });
  assert.deepEqual(topicsOf(rig), ['/images/create', '/images/update', '/images/delete']);
});

test('Namespaces come into being by use, and are deleted only when empty', async () => {
  await using rig = await openApi();
  const { client } = rig;
  assert.deepEqual((await client.unary(Namespaces.method.get, { name: 'nobody' })).namespace?.labels, {});
  await client.unary(Containers.method.create, { container: container('one') }, blue);
  await client.unary(Namespaces.method.update, {
    namespace: { name: 'green', labels: { a: '1', b: '' } },
    updateMask: { paths: ['labels.a'] },
  });
  const { namespaces } = await client.unary(Namespaces.method.list, {});
  assert.deepEqual(
    namespaces.map(({ name, labels }) => [name, labels]),
    [
      ['blue', {}],
      ['green', { a: '1' }],
    ],
  );
  await assert.rejects(client.unary(Namespaces.method.create, { namespace: { name: 'green' } }), {
    kind: 'already-exists',
  });
  await assert.rejects(client.unary(Namespaces.method.create, { namespace: { name: 'a b' } }), {
    kind: 'invalid-argument',
  });
  await assert.rejects(
    client.unary(Namespaces.method.update, { namespace: { name: 'x' }, updateMask: { paths: ['name'] } }),
    {
      kind: 'invalid-argument',
    },
  );
  await assert.rejects(client.unary(Namespaces.method.delete, { name: 'blue' }), { kind: 'failed-precondition' });
  await client.unary(Namespaces.method.delete, { name: 'green' });
  await assert.rejects(client.unary(Namespaces.method.delete, { name: 'green' }), { kind: 'not-found' });
  const own = rig.core.events.history(0n).filter(({ event }) => event.topic.startsWith('/namespaces/'));
  assert.deepEqual(
    own.map(({ namespace, event }) => [namespace, event.topic]),
    [
      ['green', '/namespaces/update'],
      ['green', '/namespaces/delete'],
    ],
  );
});

test('Leases hold resources of known types, also those that are not there yet', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const { lease } = await client.unary(Leases.method.create, { labels: { k: 'v' } }, blue);
  assert.match(lease?.id ?? '', /^\d+-[0-9a-f]{4}$/);
  await client.unary(Leases.method.create, { id: 'mine' }, blue);
  await client.unary(Leases.method.create, { id: '200354387-_L_Z' }, blue);
  await assert.rejects(client.unary(Leases.method.create, { id: 'x'.repeat(513) }, blue), { kind: 'invalid-argument' });
  await assert.rejects(client.unary(Leases.method.create, { id: 'mine' }, blue), { kind: 'already-exists' });
  const add = (type: string, id: string): Promise<unknown> =>
    client.unary(Leases.method.addResource, { id: 'mine', resource: { type, id } }, blue);
  await add('content', digestOf('nothing yet'));
  await add('snapshots/overlayfs', 'key');
  await assert.rejects(add('content', 'no digest'), { kind: 'invalid-argument' });
  await assert.rejects(add('snapshots', 'key'), { kind: 'invalid-argument' });
  await assert.rejects(add('volumes', 'v'), { kind: 'unimplemented' });
  const { resources } = await client.unary(Leases.method.listResources, { id: 'mine' }, blue);
  assert.deepEqual(resources.map(({ type }) => type).toSorted(), ['content', 'snapshots/overlayfs']);
  const gone = { type: 'snapshots/overlayfs', id: 'key' };
  await client.unary(Leases.method.deleteResource, { id: 'mine', resource: gone }, blue);
  await client.unary(Leases.method.deleteResource, { id: 'mine', resource: gone }, blue);
  await assert.rejects(client.unary(Leases.method.listResources, { id: 'nobody' }, blue), { kind: 'not-found' });
  const { leases } = await client.unary(Leases.method.list, { filters: ['labels.k==v'] }, blue);
  assert.deepEqual(
    leases.map(({ id }) => id),
    [lease?.id],
  );
  await client.unary(Leases.method.delete, { id: 'mine' }, blue);
  await assert.rejects(client.unary(Leases.method.delete, { id: 'mine' }, blue), { kind: 'not-found' });
});

test('an image that is to expire goes to the lease of the call, others do not', async () => {
  await using rig = await openApi();
  await rig.client.unary(Leases.method.create, { id: 'mine' }, blue);
  const leased = inNamespace('blue', 'mine');
  await rig.client.unary(Images.method.create, { image: { name: 'stays', target } }, leased);
  const labels = { 'containerd.io/gc.expire': '2030-01-01T00:00:00Z' };
  await rig.client.unary(Images.method.create, { image: { name: 'expires', target, labels } }, leased);
  const { resources } = await rig.client.unary(Leases.method.listResources, { id: 'mine' }, blue);
  assert.deepEqual(
    resources.map(({ type, id }) => [type, id]),
    [['images', 'expires']],
  );
});

test('a label without a value is not stored, whatever it is on', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const labels = { kept: 'x', dropped: '' };
  const kept = { kept: 'x' };
  const made = await client.unary(Containers.method.create, { container: { ...container('one'), labels } }, blue);
  assert.deepEqual(made.container?.labels, kept);
  const image = await client.unary(Images.method.create, { image: { name: 'i', target, labels } }, blue);
  assert.deepEqual(image.image?.labels, kept);
  const { lease } = await client.unary(Leases.method.create, { id: 'l', labels }, blue);
  assert.deepEqual(lease?.labels, kept);
  const { namespace } = await client.unary(Namespaces.method.create, { namespace: { name: 'green', labels } });
  assert.deepEqual(namespace?.labels, kept);
  const blob = await rig.core.content.put('blue', Buffer.from('x'), { labels });
  assert.deepEqual(blob.labels, kept);
});

test('an update that names nothing to update is invalid, not unknown', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const invalid = { kind: 'invalid-argument' };
  await assert.rejects(client.unary(Containers.method.update, { container: container('') }, blue), invalid);
  await assert.rejects(client.unary(Images.method.update, { image: { name: '', target } }, blue), invalid);
  const unknown = { kind: 'not-found' };
  await assert.rejects(client.unary(Containers.method.update, { container: container('x') }, blue), unknown);
  await assert.rejects(client.unary(Images.method.update, { image: { name: 'x', target } }, blue), unknown);
});

test('Images.Update adds an image that is to expire to the lease, and a deletion under a lease takes it off', async () => {
  await using rig = await openApi();
  const { client } = rig;
  await client.unary(Leases.method.create, { id: 'mine' }, blue);
  const leased = inNamespace('blue', 'mine');
  const listed = async (): Promise<string[]> => {
    const { resources } = await client.unary(Leases.method.listResources, { id: 'mine' }, blue);
    return resources.map(({ type, id }) => `${type} ${id}`);
  };
  await client.unary(Images.method.create, { image: { name: 'i', target } }, blue);
  const labels = { 'containerd.io/gc.expire': '2030-01-01T00:00:00Z' };
  const update = { image: { name: 'i', target, labels }, updateMask: { paths: ['labels.containerd.io/gc.expire'] } };
  await client.unary(Images.method.update, update, leased);
  assert.deepEqual(await listed(), ['images i']);
  const { digest } = await rig.core.content.put('blue', Buffer.from('x'), { lease: 'mine' });
  await client.unary(Snapshots.method.prepare, { snapshotter: 'native', key: 'k' }, leased);
  assert.deepEqual(await listed(), [`content ${digest}`, 'images i', 'snapshots/native k']);
  await client.unary(Content.method.delete, { digest }, leased);
  await client.unary(Snapshots.method.remove, { snapshotter: 'native', key: 'k' }, leased);
  await client.unary(Images.method.delete, { name: 'i' }, leased);
  assert.deepEqual(await listed(), []);
});

test('Images.Delete takes a target without a digest for none', async () => {
  await using rig = await openApi();
  await rig.client.unary(Images.method.create, { image: { name: 'i', target } }, blue);
  await rig.client.unary(Images.method.delete, { name: 'i', target: { mediaType: 'm' } }, blue);
});

test('Namespaces.Get answers for any name, and Update takes labels one by one', async () => {
  await using rig = await openApi();
  const { client } = rig;
  assert.deepEqual((await client.unary(Namespaces.method.get, { name: 'no name!' })).namespace?.labels, {});
  const namespace = { name: 'green', labels: { a: '1' } };
  await assert.rejects(client.unary(Namespaces.method.update, { namespace, updateMask: { paths: ['labels'] } }), {
    kind: 'invalid-argument',
  });
  await client.unary(Namespaces.method.update, { namespace });
  const more = { namespace: { name: 'green', labels: { b: '2' } }, updateMask: { paths: ['labels.b'] } };
  await client.unary(Namespaces.method.update, more);
  assert.deepEqual((await client.unary(Namespaces.method.get, { name: 'green' })).namespace?.labels, {
    a: '1',
    b: '2',
  });
  const told = rig.core.events.history(0n).map(({ event }) => event);
  assert.deepEqual(told, [
    { topic: '/namespaces/update', name: 'green', labels: { a: '1' } },
    { topic: '/namespaces/update', name: 'green', labels: { b: '2' } },
  ]);
});

test('a resource of an unknown lease is not-found, whatever its type', async () => {
  await using rig = await openApi();
  const resource = { type: 'volumes', id: 'v' };
  const unknown = { kind: 'not-found' };
  await assert.rejects(rig.client.unary(Leases.method.addResource, { id: 'nobody', resource }, blue), unknown);
  await assert.rejects(rig.client.unary(Leases.method.deleteResource, { id: 'nobody', resource }, blue), unknown);
});
