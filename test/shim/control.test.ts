import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isAlive } from '#/linux/process.ts';
import { anyOfValue, jsonTypeUrls, packJson } from '#/rpc/any.ts';
import { createTask, execSpec, openShimPlace, startTask, task } from '../support/shim.ts';

test('a paused container says so, lets no process be added, and runs again when it is resumed', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  await createTask(shims, bundle, shim);
  await assert.rejects(shim.call(task.pause, { id }), { message: /cannot pause task in created state/ });
  await shim.call(task.start, { id });
  await assert.rejects(shim.call(task.resume, { id }), { message: /cannot resume a running process/ });
  await shim.call(task.exec, { id, execId: 'e', spec: execSpec(['sleep', '1000']) });
  await shim.call(task.start, { id, execId: 'e' });
  await shim.call(task.pause, { id });
  assert.equal((await shim.call(task.state, { id })).status, 4);
  assert.equal((await shim.call(task.state, { id, execId: 'e' })).status, 4);
  await assert.rejects(shim.call(task.pause, { id }), { message: /cannot pause a paused container/ });
  await assert.rejects(shim.call(task.delete, { id }), { kind: 'failed-precondition' });
  await assert.rejects(shim.call(task.exec, { id, execId: 'late', spec: execSpec(['true']) }), {
    message: /cannot exec in a paused state/,
  });
  await shim.call(task.resume, { id });
  assert.equal((await shim.call(task.state, { id })).status, 2);
  await shim.call(task.kill, { id, signal: 9 });
  assert.equal((await shim.call(task.wait, { id, execId: 'e' })).exitStatus, 137);
});

test('an update reaches the cgroup, and statistics come from there', async () => {
  await using shims = await openShimPlace();
  const { id, shim } = await startTask(shims, ['sleep', '1000']);
  const limit = 123 << 20;
  const resources = anyOfValue(packJson(jsonTypeUrls.linuxResources, { memory: { limit } }));
  await shim.call(task.update, { id, resources });
  const { stats } = await shim.call(task.stats, { id });
  assert.match(stats?.typeUrl ?? '', /io\.containerd\.cgroups\.v[12]\.Metrics$/);
  const text = await readFile(`/sys/fs/cgroup/memory/${shims.namespace}/${id}/memory.limit_in_bytes`, 'utf8').catch(
    () => readFile(`/sys/fs/cgroup/${shims.namespace}/${id}/memory.max`, 'utf8'),
  );
  assert.equal(Number(text), limit);
  for (const value of ['', '[1]', '{"memory":', '7'])
    await assert.rejects(
      shim.call(task.update, { id, resources: { typeUrl: resources.typeUrl, value: Buffer.from(value) } }),
      { kind: 'invalid-argument', message: /resources are no JSON object/ },
    );
  const wrong = anyOfValue(packJson(jsonTypeUrls.linuxResources, { memory: { limit: 'much' } }));
  await assert.rejects(shim.call(task.update, { id, resources: wrong }), { message: /OCI runtime update failed: .+/ });
});

test('signals reach the first process alone, or all of them', async () => {
  await using shims = await openShimPlace();
  const script = 'trap "exit 7" USR1; echo ready; while :; do sleep 0.05; done';
  const { id, shim } = await startTask(shims, ['sh', '-c', script]);
  await shim.call(task.exec, { id, execId: 'e', spec: execSpec(['sleep', '1000']) });
  const { pid } = await shim.call(task.start, { id, execId: 'e' });
  await assert.rejects(shim.call(task.kill, { id, signal: 1000 }), { kind: 'invalid-argument' });
  await shim.call(task.kill, { id, execId: 'e', signal: 15 });
  assert.equal((await shim.call(task.wait, { id, execId: 'e' })).exitStatus, 143);
  assert.equal(await isAlive(pid), false);
  await assert.rejects(shim.call(task.kill, { id, execId: 'e', signal: 15 }), {
    kind: 'not-found',
    message: /process already finished/,
  });
  await shim.call(task.kill, { id, signal: 10, all: true });
  const { exitStatus } = await shim.call(task.wait, { id });
  assert.equal([7, 138].includes(exitStatus), true, String(exitStatus));
});

test('without a pid namespace of its own, the end of the first process is that of all, and is told last', async () => {
  await using shims = await openShimPlace();
  const { id, shim } = await startTask(
    shims,
    ['sh', '-c', 'trap "exit 2" USR1; while :; do sleep 0.05; done'],
    (spec) => {
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
    },
  );
  await shim.call(task.exec, { id, execId: 'e', spec: execSpec(['sleep', '1000']) });
  const { pid } = await shim.call(task.start, { id, execId: 'e' });
  const order: string[] = [];
  const watch = async (execId: string): Promise<number> => {
    const { exitStatus } = await shim.call(task.wait, { id, execId });
    order.push(execId);
    return exitStatus;
  };
  const endings = Promise.all([watch(''), watch('e')]);
  await shim.call(task.kill, { id, signal: 10 });
  assert.deepEqual(await endings, [2, 137]);
  assert.deepEqual(order, ['e', '']);
  assert.equal(await isAlive(pid), false);
});

test('a Wait whose client has gone is forgotten, and others are answered', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  await createTask(shims, bundle, shim);
  const impatient = Array.from({ length: 50 }, () => shim.call(task.wait, { id }, { timeoutMs: 20 }));
  for (const answer of await Promise.allSettled(impatient)) assert.equal(answer.status, 'rejected');
  const gone = await bundle.start();
  const lost = gone.call(task.wait, { id });
  gone.close();
  await assert.rejects(lost);
  const waiting = [1, 2, 3].map(() => shim.call(task.wait, { id }));
  await shim.call(task.start, { id });
  await shim.call(task.kill, { id, signal: 9 });
  for (const { exitStatus } of await Promise.all(waiting)) assert.equal(exitStatus, 137);
});
