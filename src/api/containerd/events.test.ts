import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiRig } from '#/api/containerd/open-api.suite.ts';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import type { CoreEvent } from '#/core/events/contract.ts';
import type { Tasks } from '#/core/tasks/contract.ts';
import { TaskExitSchema, TaskOOMSchema } from '#/gen/containerd/events/task_pb.ts';
import { ImageCreateSchema } from '#/gen/containerd/events/image_pb.ts';
import { Events as ShimEvents } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { Events } from '#/gen/containerd/services/events/v1/events_pb.ts';
import type { Envelope } from '#/gen/containerd/types/event_pb.ts';
import { anyOfValue, packMessage, unpackMessage, valueOfAny } from '#/rpc/any.ts';
import { openTtrpcClient } from '#/rpc/ttrpc-client.ts';

/** Collects what a subscriber with these filters gets until `done`. */
async function follow(rig: ApiRig, ...filters: string[]): Promise<{ done(count: number): Promise<Envelope[]> }> {
  const seen: Envelope[] = [];
  const controller = new AbortController();
  const reading = (async () => {
    const options = { signal: controller.signal };
    for await (const envelope of rig.client.serverStream(Events.method.subscribe, { filters }, options))
      seen.push(envelope);
  })().catch((error: unknown) => assert(controller.signal.aborted, String(error)));
  // The server starts to listen when the request has reached it.
  await sleep(50);
  return {
    async done(count) {
      for (let tries = 0; seen.length < count && tries < 100; tries++) await sleep(10);
      controller.abort();
      await reading;
      return seen;
    },
  };
}

const exit: CoreEvent = {
  topic: '/tasks/exit',
  containerId: 'web',
  id: 'web',
  pid: 12,
  exitStatus: 137,
  exitedAt: 1_700_000_000_000_000_007n,
};

test('Subscribe gives all namespaces, typed events under bare names, with their times', async () => {
  await using rig = await openApi();
  const following = await follow(rig);
  rig.core.events.publish('blue', exit);
  rig.core.events.publish('green', { topic: '/images/create', name: 'a:1', labels: { k: 'v' } });
  const [first, second] = await following.done(2);
  assert.deepEqual([first?.namespace, first?.topic], ['blue', '/tasks/exit']);
  assert.equal(first?.event?.typeUrl, 'containerd.events.TaskExit');
  const decoded = unpackMessage(TaskExitSchema, valueOfAny(first.event));
  assert.deepEqual(
    [decoded.containerId, decoded.exitStatus, decoded.exitedAt?.seconds, decoded.exitedAt?.nanos],
    ['web', 137, 1_700_000_000n, 7],
  );
  assert.equal(second?.event?.typeUrl, ImageCreateSchema.typeName);
});

test('Subscribe filters by namespace, topic and event fields, of published messages too', async () => {
  await using rig = await openApi();
  const following = await follow(rig, 'namespace==blue,topic~=|^/tasks/|', 'event.container_id==published');
  rig.core.events.publish('blue', { topic: '/images/delete', name: 'x' });
  rig.core.events.publish('green', exit);
  rig.core.events.publish('blue', exit);
  const oom = anyOfValue(packMessage(TaskOOMSchema, { containerId: 'published' }));
  await rig.client.unary(Events.method.publish, { topic: '/mine/oom', event: oom }, inNamespace('green'));
  const opaque = { typeUrl: 'a.B', value: Buffer.from([1]) };
  await rig.client.unary(Events.method.publish, { topic: '/mine/x', event: opaque }, inNamespace('green'));
  const seen = await following.done(2);
  assert.deepEqual(
    seen.map(({ topic }) => topic),
    ['/tasks/exit', '/mine/oom'],
  );
  assert.deepEqual(Buffer.from(seen[1]?.event?.value ?? []), Buffer.from(oom.value));
});

test('Subscribe refuses a filter that it cannot read', async () => {
  await using rig = await openApi();
  await assert.rejects(rig.client.serverStream(Events.method.subscribe, { filters: ['topic=x'] }).next(), {
    kind: 'invalid-argument',
  });
});

test('Publish wants a namespace and a topic of identifiers', async () => {
  await using rig = await openApi();
  const event = { typeUrl: 'a.B', value: Buffer.from([1]) };
  const publish = (topic: string): Promise<unknown> =>
    rig.client.unary(Events.method.publish, { topic, event }, inNamespace('blue'));
  for (const bad of ['', 'mine', '/', '/a//b', '/a b', '/a/../b'])
    await assert.rejects(publish(bad), { kind: 'invalid-argument' });
  await assert.rejects(rig.client.unary(Events.method.publish, { topic: '/a', event }), {
    kind: 'failed-precondition',
  });
  await assert.rejects(rig.client.unary(Events.method.publish, { topic: '/a' }, inNamespace('blue')), {
    kind: 'invalid-argument',
  });
  await publish('/a/b-c');
});

test('Forward keeps the time and namespace it is given, and wants both', async () => {
  await using rig = await openApi();
  const following = await follow(rig);
  const envelope = {
    timestamp: { seconds: 7n, nanos: 1 },
    namespace: 'blue',
    topic: '/x/y',
    event: { typeUrl: 'a.B', value: Buffer.from([1]) },
  };
  await rig.client.unary(Events.method.forward, { envelope });
  const { timestamp: _timestamp, ...timeless } = envelope;
  for (const bad of [timeless, { ...envelope, namespace: '' }, { ...envelope, topic: 'x' }])
    await assert.rejects(rig.client.unary(Events.method.forward, { envelope: bad }), { kind: 'invalid-argument' });
  const [seen] = await following.done(1);
  assert.deepEqual([seen?.timestamp?.seconds, seen?.namespace, seen?.topic], [7n, 'blue', '/x/y']);
});

test('a shim’s event over ttrpc goes to the tasks', async () => {
  const handed: Parameters<Tasks['forward']>[0][] = [];
  const tasks = { forward: (envelope) => void handed.push(envelope) } satisfies Partial<Tasks>;
  // Only what the shim's socket uses.
  await using rig = await openApi({ tasks: tasks as unknown as Tasks });
  await using shim = await openTtrpcClient(`${rig.address}.ttrpc`);
  const event = packMessage(TaskOOMSchema, { containerId: 'web' });
  const envelope = { timestamp: { seconds: 7n }, namespace: 'blue', topic: '/tasks/oom', event };
  await shim.call(ShimEvents.method.forward, { envelope });
  assert.deepEqual(
    handed.map(({ namespace, topic, timestamp, event: { typeUrl } }) => [namespace, topic, timestamp, typeUrl]),
    [['blue', '/tasks/oom', 7_000_000_000n, 'containerd.events.TaskOOM']],
  );
  await assert.rejects(shim.call(ShimEvents.method.forward, {}), { kind: 'invalid-argument' });
});
