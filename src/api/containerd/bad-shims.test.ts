import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { inNamespace, openApi, type ApiRig } from '#/api/containerd/open-api.suite.ts';
import { writeBadShim, type ShimFault } from '#/core/tasks/bad-shim.fixture.ts';
import { nothing, openTaskDaemon, openTaskPlace, putContainer, specFor, tracesOf } from '#/core/tasks/tasks.fixture.ts';
import type { TaskDaemon, TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { Tasks } from '#/gen/containerd/services/tasks/v1/tasks_pb.ts';
import type { GrpcCallOptions } from '#/rpc/grpc-client-call.ts';
import { signal } from '#/linux/process.ts';

const limit = { timeout: 90_000 };
const { create, start, get, kill, list, wait } = Tasks.method;
const containerId = 'one';

interface Rig extends ApiRig {
  readonly place: TaskPlace;
  readonly here: GrpcCallOptions;
  /** As long as a client is ready to wait. */
  within(timeoutMs: number): GrpcCallOptions;
}

/** A container whose runtime has the fault, and a client. Afterwards nothing must be left. */
async function withFault(fault: ShimFault, work: (rig: Rig) => Promise<void>): Promise<void> {
  await using place = await openTaskPlace();
  {
    await using daemon: TaskDaemon = await openTaskDaemon(place);
    await using rig = await openApi({ tasks: daemon.tasks, metadata: daemon.metadata, events: daemon.events });
    const runtime = await writeBadShim(place.path, fault);
    await putContainer(daemon, place.namespace, containerId, specFor(place.namespace, containerId, ['x']), runtime);
    const here = inNamespace(place.namespace);
    await work({ ...rig, place, here, within: (timeoutMs) => ({ ...here, timeoutMs }) });
    while (daemon.metadata.read.listIntents().length > 0) await delay(20);
  }
  assert.deepEqual(await tracesOf(place), nothing);
  assert.deepEqual(await shimsOf(place), []);
}

async function shimsOf({ namespace }: TaskPlace): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return words.includes('bad-shim.fixture') && words.includes(namespace) ? [pid] : [];
    }),
  );
  return found.flat();
}

test('a shim that cannot start, babbles, floods or points nowhere fails the create, in words', limit, async () => {
  const faults: readonly (readonly [ShimFault, RegExp])[] = [
    ['start-fails', /no luck today/],
    ['start-babbles', /answer/],
    ['start-floods', /printed more than/],
    ['start-points-nowhere', /Cannot connect/],
  ];
  for (const [fault, message] of faults)
    await withFault(fault, async ({ client, here }) => {
      await assert.rejects(client.unary(create, { containerId }, here), { message }, fault);
      await assert.rejects(client.unary(get, { containerId }, here), { kind: 'not-found' });
    });
});

test('a create that hangs, or is answered by nonsense, ends when its client gives up', limit, async () => {
  for (const fault of ['create-hangs', 'create-babbles'] as const)
    await withFault(fault, async ({ client, here, within }) => {
      await assert.rejects(client.unary(create, { containerId }, within(1500)), { kind: 'deadline-exceeded' }, fault);
      // The id is free again as soon as all is undone.
      await assert.rejects(client.unary(create, { containerId }, within(15_000)), (error: { kind: string }) =>
        ['already-exists', 'deadline-exceeded'].includes(error.kind),
      );
      await assert.rejects(client.unary(get, { containerId }, here), { kind: 'not-found' });
    });
});

test('a shim that vanishes during a create fails it', limit, async () => {
  await withFault('create-vanishes', async ({ client, here }) => {
    await assert.rejects(client.unary(create, { containerId }, here), { kind: 'unavailable' });
    await assert.rejects(client.unary(get, { containerId }, here), { kind: 'not-found' });
  });
});

test(
  'a start and a delete that hang end when their client gives up, and the task can still be ended',
  limit,
  async () => {
    await withFault('start-call-hangs', async ({ client, here, within }) => {
      await client.unary(create, { containerId }, here);
      await assert.rejects(client.unary(start, { containerId }, within(500)), { kind: 'deadline-exceeded' });
      await client.unary(kill, { containerId, signal: 9 }, here);
      assert.equal((await client.unary(wait, { containerId }, here)).exitStatus, 137);
      await client.unary(Tasks.method.delete, { containerId }, here);
    });
    await withFault('delete-hangs', async ({ client, here, within, place }) => {
      await client.unary(create, { containerId }, here);
      await client.unary(start, { containerId }, here);
      await client.unary(kill, { containerId, signal: 9 }, here);
      await client.unary(wait, { containerId }, here);
      const gone = client.unary(Tasks.method.delete, { containerId }, within(500));
      await assert.rejects(gone, { kind: 'deadline-exceeded' });
      for (const pid of await shimsOf(place)) signal(pid, 9);
      while ((await client.unary(list, {}, here)).tasks.length > 0) await delay(20);
    });
  },
);

test('a state that does not come takes two seconds, and holds nobody else up', limit, async () => {
  for (const fault of ['state-hangs', 'state-babbles'] as const)
    await withFault(fault, async ({ client, here, place }) => {
      const process = await client.unary(create, { containerId }, here);
      await client.unary(start, { containerId }, here);
      const asked = client.unary(get, { containerId }, here);
      assert.deepEqual((await client.unary(list, {}, inNamespace('other'))).tasks, []);
      await assert.rejects(asked, { kind: 'deadline-exceeded' }, fault);
      assert.deepEqual((await client.unary(list, {}, here)).tasks, []);
      const waited = client.unary(wait, { containerId }, here);
      for (const pid of [...(await shimsOf(place)), process.pid]) signal(pid, 9);
      assert.equal((await waited).exitStatus, 137);
    });
});
