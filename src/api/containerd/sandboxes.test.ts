import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import type { Tasks as CoreTasks } from '#/core/tasks/contract.ts';
import type { Sandboxes } from '#/core/tasks/sandbox-contract.ts';
import { Controller, Store } from '#/gen/containerd/services/sandbox/v1/sandbox_pb.ts';
import { jsonTypeUrls } from '#/rpc/any.ts';

const blue = inNamespace('blue');
const { create, update, list, get } = Store.method;
const any = (typeUrl: string, value: Uint8Array): { typeUrl: string; value: Uint8Array } => ({ typeUrl, value });
const odd = Uint8Array.from([0x7b, 0xff, 0x00, 0x7d]);

test('a stored sandbox comes back with every Any byte-identical', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const sandbox = {
    sandboxId: 'pod',
    runtime: { name: 'r', options: any('x/Options', odd) },
    spec: any(jsonTypeUrls.spec, odd),
    labels: { a: '1' },
    extensions: { e: any('x/Ext', odd) },
    sandboxer: 'shim',
  };
  const made = (await client.unary(create, { sandbox }, blue)).sandbox;
  await assert.rejects(client.unary(create, { sandbox }, blue), { kind: 'already-exists' });
  await assert.rejects(client.unary(create, { sandbox: { ...sandbox, sandboxId: '../x' } }, blue), {
    kind: 'invalid-argument',
  });
  const read = (await client.unary(get, { sandboxId: 'pod' }, blue)).sandbox;
  assert.deepEqual(read, made);
  for (const found of [read?.runtime?.options, read?.spec, read?.extensions['e']])
    assert.deepEqual(Buffer.from(found?.value ?? []), Buffer.from(odd));
  assert.deepEqual([read?.spec?.typeUrl, read?.sandboxer, read?.labels], [jsonTypeUrls.spec, 'shim', { a: '1' }]);
  assert.deepEqual(read?.createdAt, read?.updatedAt);
  const ids = async (...filters: string[]): Promise<string[]> =>
    (await client.unary(list, { filters }, blue)).list.map(({ sandboxId }) => sandboxId);
  assert.deepEqual([await ids(), await ids('id==pod'), await ids('labels.a==2')], [['pod'], ['pod'], []]);
  await assert.rejects(client.unary(get, { sandboxId: 'pod' }, inNamespace('green')), { kind: 'not-found' });
});

test('Update changes what its fields name, and only with a mask the runtime', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const sandbox = { sandboxId: 'pod', runtime: { name: 'r' }, labels: { a: '1', b: '2' } };
  await client.unary(create, { sandbox }, blue);
  const change = async (fields: string[], wanted: object): Promise<unknown> => {
    const answer = await client.unary(update, { sandbox: { sandboxId: 'pod', ...wanted }, fields }, blue);
    return [answer.sandbox?.labels, answer.sandbox?.runtime?.name, answer.sandbox?.spec?.typeUrl];
  };
  assert.deepEqual(await change(['labels.a'], { labels: { a: '9' } }), [{ a: '9', b: '2' }, 'r', undefined]);
  assert.deepEqual(await change(['spec'], { spec: any('s', odd) }), [{ a: '9', b: '2' }, 'r', 's']);
  assert.deepEqual(await change(['runtime'], { runtime: { name: 'q' } }), [{ a: '9', b: '2' }, 'q', 's']);
  assert.deepEqual(await change([], { runtime: { name: 'q' }, labels: { c: '3' } }), [{ c: '3' }, 'q', undefined]);
  await assert.rejects(change([], { runtime: { name: 'other' } }), { kind: 'invalid-argument' });
  await assert.rejects(change(['sandboxer'], {}), { kind: 'invalid-argument' });
  await assert.rejects(change(['labels'], { sandboxId: 'none' }), { kind: 'not-found' });
  await client.unary(Store.method.delete, { sandboxId: 'pod' }, blue);
  await assert.rejects(client.unary(Store.method.delete, { sandboxId: 'pod' }, blue), { kind: 'not-found' });
});

test('a controller must be named; podsandbox says that it belongs to CRI', async () => {
  await using rig = await openApi({ tasks: { sandboxes: {} } as CoreTasks });
  const stop = (sandboxer: string): Promise<unknown> =>
    rig.client.unary(Controller.method.stop, { sandboxId: 'pod', sandboxer }, blue);
  await assert.rejects(stop(''), { kind: 'invalid-argument' });
  await assert.rejects(stop('nobody'), { kind: 'not-found' });
  await assert.rejects(stop('podsandbox'), { kind: 'not-found', message: /CRI/ });
  await assert.rejects(rig.client.unary(Controller.method.platform, { sandboxer: 'shim' }, blue), {
    kind: 'unimplemented',
  });
});

test('the controller takes a sandbox from the request or from the store, and ends a Wait that is given up', async () => {
  const seen: unknown[] = [];
  const sandboxes: Partial<Sandboxes> = {
    create: async (namespace, id, { record, netnsPath }) =>
      void seen.push([namespace, id, record.runtime.name, netnsPath]),
    status: async () => undefined,
    wait: async (_namespace, _id, signal) => await delay(60_000, { exitStatus: 0, exitedAt: 0n }, { signal }),
  };
  await using rig = await openApi({ tasks: { sandboxes: sandboxes as Sandboxes } as CoreTasks });
  const { client } = rig;
  const method = Controller.method;
  await client.unary(create, { sandbox: { sandboxId: 'stored', runtime: { name: 'old' } } }, blue);
  await client.unary(method.create, { sandboxId: 'stored', sandboxer: 'shim', netnsPath: '/n' }, blue);
  const sandbox = { sandboxId: 'given', runtime: { name: 'new' } };
  await client.unary(method.create, { sandboxId: 'given', sandboxer: 'shim', sandbox }, blue);
  assert.deepEqual(seen, [
    ['blue', 'stored', 'old', '/n'],
    ['blue', 'given', 'new', ''],
  ]);
  await assert.rejects(client.unary(method.create, { sandboxId: 'x', sandboxer: 'shim', sandbox }, blue), {
    kind: 'invalid-argument',
  });
  const status = await client.unary(method.status, { sandboxId: 'gone', sandboxer: 'shim' }, blue);
  assert.deepEqual([status.sandboxId, status.pid, (status.exitedAt?.seconds ?? 0n) > 0n], ['gone', 0, true]);
  const waiting = client.unary(method.wait, { sandboxId: 'given', sandboxer: 'shim' }, { ...blue, timeoutMs: 50 });
  await assert.rejects(waiting, { kind: 'deadline-exceeded' });
});
