import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { Mounts } from '#/gen/containerd/services/mounts/v1/mounts_pb.ts';

const blue = inNamespace('blue');
const { activate, deactivate, info, update, list } = Mounts.method;
const tmpfs = { type: 'tmpfs', source: 'tmpfs', options: ['size=64k'] };

test('mounts are activated, told of, relabelled, listed by filters and deactivated', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const request = { name: 'one', mounts: [tmpfs], labels: { a: '1' }, temporary: true };
  const made = (await client.unary(activate, request, blue)).info;
  assert.deepEqual([made?.name, made?.labels, made?.active[0]?.mount?.type], ['one', { a: '1' }, 'tmpfs']);
  assert.deepEqual([made?.system[0]?.type, made?.system[0]?.source], ['bind', made?.active[0]?.mountPoint]);
  assert((made?.active[0]?.mountedAt?.seconds ?? 0n) > 0n);
  assert.deepEqual((await client.unary(info, { name: 'one' }, blue)).info, made);
  await assert.rejects(client.unary(activate, request, blue), { kind: 'already-exists' });
  const change = (paths: string[], labels: Record<string, string>): Promise<unknown> =>
    client
      .unary(update, { info: { name: 'one', labels }, updateMask: { paths } }, blue)
      .then((got) => got.info?.labels);
  assert.deepEqual(await change(['labels.b'], { b: '2', c: '3' }), { a: '1', b: '2' });
  assert.deepEqual(await change([], { d: '4' }), { d: '4' });
  await assert.rejects(change(['system'], {}), { kind: 'invalid-argument' });
  const names = async (...filters: string[]): Promise<string[]> => {
    const found: string[] = [];
    for await (const message of client.serverStream(list, { filters }, blue)) found.push(message.info?.name ?? '');
    return found;
  };
  assert.deepEqual([await names(), await names('labels.d==4'), await names('name==two')], [['one'], ['one'], []]);
  await client.unary(deactivate, { name: 'one' }, blue);
  await assert.rejects(client.unary(deactivate, { name: 'one' }, blue), { kind: 'not-found' });
  await assert.rejects(client.unary(info, { name: 'one' }, blue), { kind: 'not-found' });
});

test('Activate of what a client can mount itself is unimplemented, and needs a namespace', async () => {
  await using rig = await openApi();
  const request = { name: 'one', mounts: [tmpfs] };
  await assert.rejects(rig.client.unary(activate, request, blue), { kind: 'unimplemented' });
  await assert.rejects(rig.client.unary(activate, request), { kind: 'failed-precondition' });
});
