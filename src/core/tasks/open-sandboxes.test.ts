import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { noStdio, nothing, openTaskDaemon, openTaskPlace, putContainer, specFor } from '#/core/tasks/tasks.fixture.ts';
import { eventsOf, tracesOf } from '#/core/tasks/tasks.fixture.ts';
import type { TaskDaemon, TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { writeSandboxShim } from '#/core/tasks/sandbox-shim.fixture.ts';
import { signal } from '#/linux/process.ts';
import { jsonTypeUrls, packJson } from '#/rpc/any.ts';

const spec = packJson(jsonTypeUrls.spec, { hostname: 'pod' });
const stamp = { labels: {}, createdAt: 1n, updatedAt: 1n };

const sandboxBundles = async ({ state, namespace }: TaskPlace): Promise<string[]> =>
  await readdir(join(state, 'io.containerd.sandbox.controller.v1.shim', namespace)).catch(() => []);

async function createPod({ metadata, tasks }: TaskDaemon, { namespace }: TaskPlace, runtime: string): Promise<void> {
  const record = { runtime: { name: runtime }, spec };
  await metadata.write((tx) =>
    tx.sandboxes.create(namespace, { ...stamp, ...record, id: 'pod', sandboxer: 'shim', extensions: {} }),
  );
  await tasks.sandboxes.create(namespace, 'pod', { record, rootfs: [], netnsPath: '/ns', annotations: {} });
}

/** A container of the pod that sleeps. */
async function putMember(daemon: TaskDaemon, namespace: string, id: string, runtime = '/bin/true'): Promise<void> {
  const args = ['sleep', '1000'];
  await putContainer(daemon, namespace, id, specFor(namespace, id, args), runtime);
  await daemon.metadata.write((tx) =>
    tx.containers.update(namespace, { ...tx.containers.get(namespace, id), sandbox: 'pod' }),
  );
}

test('a sandbox is created, started, asked, stopped and shut down, and leaves nothing', async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { namespace } = place;
  const { sandboxes } = daemon.tasks;
  const seen = eventsOf(daemon);
  const runtime = await writeSandboxShim(place.path);
  assert.equal(await sandboxes.status(namespace, 'pod', false), undefined);
  await createPod(daemon, place, runtime);
  await assert.rejects(createPod(daemon, place, runtime), { kind: 'already-exists' });
  const { pid } = await sandboxes.start(namespace, 'pod');
  const status = await sandboxes.status(namespace, 'pod', true);
  assert.deepEqual([status?.pid, status?.state, Number(status?.info['shim']) > 1], [pid, 'SANDBOX_READY', true]);
  assert.equal((await sandboxes.metrics(namespace, 'pod')).id, 'pod');
  const waited = sandboxes.wait(namespace, 'pod', AbortSignal.timeout(20_000));
  await sandboxes.stop(namespace, 'pod', 5);
  assert.equal((await waited).exitStatus, 137);
  await sandboxes.shutdown(namespace, 'pod');
  await assert.rejects(sandboxes.shutdown(namespace, 'pod'), { kind: 'not-found' });
  await sandboxes.stop(namespace, 'pod', 5);
  await seen.until('/sandboxes/exit');
  assert.deepEqual(seen.topics(), ['/sandboxes/create', '/sandboxes/start', '/sandboxes/exit']);
  assert.deepEqual(await sandboxBundles(place), []);
  assert.deepEqual(daemon.metadata.read.listIntents(), []);
  assert.deepEqual(await tracesOf(place), nothing);
});

test('a sandbox that cannot be created or started is gone, and the shim’s words come through', async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { namespace } = place;
  const { sandboxes } = daemon.tasks;
  const noCreate = await writeSandboxShim(place.path, 'no-create');
  await assert.rejects(createPod(daemon, place, noCreate), {
    kind: 'failed-precondition',
    message: /no room for "\/ns"/,
  });
  await daemon.metadata.write((tx) => tx.sandboxes.delete(namespace, 'pod'));
  await createPod(daemon, place, await writeSandboxShim(place.path, 'no-start'));
  await assert.rejects(sandboxes.start(namespace, 'pod'), { message: /would not start/ });
  assert.equal(await sandboxes.status(namespace, 'pod', false), undefined);
  assert.deepEqual(await sandboxBundles(place), []);
  assert.deepEqual(daemon.metadata.read.listIntents(), []);
});

test('tasks of a sandbox’s containers run in its shim, and both are taken over by the next daemon', async () => {
  await using place = await openTaskPlace();
  const { namespace } = place;
  {
    await using daemon = await openTaskDaemon(place);
    const runtime = await writeSandboxShim(place.path);
    await createPod(daemon, place, runtime);
    await daemon.tasks.sandboxes.start(namespace, 'pod');
    for (const id of ['one', 'two']) {
      await putMember(daemon, namespace, id, runtime);
      await daemon.tasks.create(namespace, id, { rootfs: [], stdio: noStdio });
      await daemon.tasks.start({ namespace, id, execId: '' });
    }
    const one = { namespace, id: 'one', execId: '' };
    await daemon.tasks.kill(one, 9);
    assert.equal((await daemon.tasks.wait(one)).exitStatus, 137);
    await daemon.tasks.delete(namespace, 'one');
    assert.equal((await daemon.tasks.state({ ...one, id: 'two' })).status, 'running');
  }
  await using next = await openTaskDaemon(place);
  const { tasks } = next;
  const status = await tasks.sandboxes.status(namespace, 'pod', false);
  assert.equal(status?.state, 'SANDBOX_READY');
  assert.equal((await tasks.state({ namespace, id: 'two', execId: '' })).status, 'running');
  const waited = tasks.sandboxes.wait(namespace, 'pod', AbortSignal.timeout(20_000));
  const task = tasks.wait({ namespace, id: 'two', execId: '' });
  await tasks.sandboxes.shutdown(namespace, 'pod');
  assert.equal((await waited).exitStatus >= 137, true);
  assert.equal((await task).exitStatus, 137);
  assert.deepEqual(await sandboxBundles(place), []);
});

test('a sandbox whose shim is killed has exited with 255, and its files go', async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { namespace } = place;
  const { sandboxes } = daemon.tasks;
  const seen = eventsOf(daemon);
  await createPod(daemon, place, await writeSandboxShim(place.path));
  const { pid } = await sandboxes.start(namespace, 'pod');
  const status = await sandboxes.status(namespace, 'pod', true);
  const waited = sandboxes.wait(namespace, 'pod', AbortSignal.timeout(20_000));
  signal(Number(status?.info['shim']), 9);
  signal(pid, 9);
  assert.equal((await waited).exitStatus, 255);
  await seen.until('/sandboxes/exit');
  assert.equal(await sandboxes.status(namespace, 'pod', false), undefined);
  assert.deepEqual(await sandboxBundles(place), []);
});

test('a task of a sandbox that does not run is not-found; one without a record gets its own shim', async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { namespace } = place;
  await putMember(daemon, namespace, 'one');
  const create = (): Promise<unknown> => daemon.tasks.create(namespace, 'one', { rootfs: [], stdio: noStdio });
  await assert.rejects(create(), { message: /printed no address/ });
  await daemon.metadata.write((tx) =>
    tx.sandboxes.create(namespace, { ...stamp, runtime: { name: 'r' }, id: 'pod', sandboxer: 'shim', extensions: {} }),
  );
  await assert.rejects(create(), { kind: 'not-found', message: /sandbox/ });
  assert.deepEqual(await tracesOf(place), nothing);
});
