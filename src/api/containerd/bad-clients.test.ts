import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { nothing, openTaskDaemon, openTaskPlace, putContainer, specFor, tracesOf } from '#/core/tasks/tasks.fixture.ts';
import { Events } from '#/gen/containerd/services/events/v1/events_pb.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import { openGrpcClient, type GrpcClient } from '#/rpc/grpc-client.ts';
import { packMessage } from '#/rpc/any.ts';
import { TaskOOMSchema } from '#/gen/containerd/events/task_pb.ts';

const run = promisify(execFile);
const limit = { timeout: 90_000 };
const containerId = 'one';
const { create, start, kill, wait } = Tasks.method;

test('a FIFO that nobody reads holds the process back, and neither berth nor its end', limit, async () => {
  await using place = await openTaskPlace();
  {
    await using daemon = await openTaskDaemon(place);
    await using rig = await openApi({ tasks: daemon.tasks, metadata: daemon.metadata, events: daemon.events });
    const { client } = rig;
    const here = inNamespace(place.namespace);
    const paths = ['stdin', 'stdout', 'stderr'].map((name) => join(place.path, name));
    await run('mkfifo', paths);
    const [stdin = '', stdout = '', stderr = ''] = paths;
    // The client holds its ends, as clients do, and does nothing with them.
    const ends: FileHandle[] = [];
    for (const path of paths) ends.push(await open(path, constants.O_RDWR | constants.O_NONBLOCK));
    const args = ['/bin/sh', '-c', 'seq 1000000; exit 9'];
    await putContainer(daemon, place.namespace, containerId, specFor(place.namespace, containerId, args));
    const rootfs = place.rootfs.map((mount) => ({ ...mount, options: [...mount.options] }));
    await client.unary(create, { containerId, rootfs, stdin, stdout, stderr }, here);
    await client.unary(start, { containerId }, here);
    const asked = await Promise.all(
      Array.from({ length: 50 }, () => client.unary(Tasks.method.get, { containerId }, here)),
    );
    assert(asked.every(({ process }) => process?.stdout === stdout));
    const waited = client.unary(wait, { containerId }, here);
    await client.unary(kill, { containerId, signal: 9 }, here);
    assert.equal((await waited).exitStatus, 137);
    await client.unary(Tasks.method.delete, { containerId }, here);
    for (const end of ends) await end.close();
  }
  assert.deepEqual(await tracesOf(place), nothing);
});

/** Waits and subscriptions, as many as a busy client has. Each is open when this resolves. */
async function openMany(client: GrpcClient, namespace: string, signal: AbortSignal): Promise<Promise<unknown>[]> {
  const options = { ...inNamespace(namespace), signal };
  const waits = Array.from({ length: 1000 }, () => client.unary(wait, { containerId }, options));
  const subscriptions = Array.from({ length: 200 }, async () => {
    for await (const _envelope of client.serverStream(Events.method.subscribe, {}, options));
  });
  const all = [...waits, ...subscriptions].map((call) => call.catch((error: unknown) => error));
  await client.unary(Tasks.method.get, { containerId }, inNamespace(namespace));
  return all;
}

test('clients that cancel all their streams at once, or break off, harm nobody else', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  await using rig = await openApi({ tasks: daemon.tasks, metadata: daemon.metadata, events: daemon.events });
  const { client, address } = rig;
  const { namespace } = place;
  const here = inNamespace(namespace);
  await putContainer(daemon, namespace, containerId, specFor(namespace, containerId, ['/bin/sleep', '1000']));
  const rootfs = place.rootfs.map((mount) => ({ ...mount, options: [...mount.options] }));
  await client.unary(create, { containerId, rootfs }, here);
  await client.unary(start, { containerId }, here);
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { topic } of client.serverStream(Events.method.subscribe, {}, { signal: stop.signal }))
      seen.push(topic);
  })().catch(() => {});
  const waited = client.unary(wait, { containerId }, here);
  await using other = await openGrpcClient(address);
  for (let round = 0; round < 3; round++) {
    const cancel = new AbortController();
    const calls = await openMany(other, namespace, cancel.signal);
    cancel.abort();
    await Promise.all(calls);
  }
  {
    await using broken = await openGrpcClient(address);
    const calls = await openMany(broken, namespace, new AbortController().signal);
    await broken[Symbol.asyncDispose]();
    await Promise.all(calls);
  }
  const event = { topic: '/tasks/oom', event: { ...packMessage(TaskOOMSchema, { containerId }) } };
  await other.unary(Events.method.publish, event, here);
  await client.unary(kill, { containerId, signal: 9 }, here);
  assert.equal((await waited).exitStatus, 137);
  await client.unary(Tasks.method.delete, { containerId }, here);
  assert(seen.includes('/tasks/oom'), 'a subscriber beside them sees all');
  stop.abort();
  await watching;
});
