import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '#/linux/process.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { createTask, openShimPlace, startTask, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

const end = (pid: number): Promise<void> => untilTrue(`end of ${pid}`, async () => !(await isAlive(pid)));

test('delete without a shim kills the container, unmounts its root and says that it was killed', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { pid } = await createTask(shims, bundle, shim);
  await shim.call(task.start, { id: bundle.id });
  process.kill(shim.pid, 'SIGKILL');
  await end(shim.pid);
  assert.equal(await isAlive(pid), true);
  const told = await bundle.remove();
  assert.deepEqual([told.pid, told.exitStatus], [pid, 137]);
  assert.equal(await isAlive(pid), false);
  const mounts = await listMounts();
  assert.deepEqual(
    mounts.filter(({ target }) => target.startsWith(bundle.path)),
    [],
  );
});

test('delete tells what the shim has written of an exit before it died', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sh', '-c', 'exit 5']);
  const shim = await bundle.start();
  const { pid } = await createTask(shims, bundle, shim);
  const waiting = shim.call(task.wait, { id: bundle.id });
  await shim.call(task.start, { id: bundle.id });
  const { exitedAt } = await waiting;
  process.kill(shim.pid, 'SIGKILL');
  await end(shim.pid);
  const told = await bundle.remove();
  assert.deepEqual([told.pid, told.exitStatus, timeOf(told.exitedAt)], [pid, 5, timeOf(exitedAt)]);
  await assert.rejects(stat(shim.endpoint.address.slice('unix://'.length)), { code: 'ENOENT' });
});

test('delete of a bundle in which nothing was made is no failure, and may be repeated', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['true']);
  for (const told of [await bundle.remove(), await bundle.remove()])
    assert.deepEqual([told.pid, told.exitStatus, told.exitedAt !== undefined], [0, 137, true]);
});

test('deleting needs an end first, and ends the shim’s knowledge of the container', async () => {
  await using shims = await openShimPlace();
  const { id, bundle, shim } = await startTask(shims, ['sleep', '1000']);
  await assert.rejects(shim.call(task.delete, { id }), {
    kind: 'failed-precondition',
    message: /cannot delete a running process/,
  });
  await shim.call(task.kill, { id, signal: 9 });
  await shim.call(task.wait, { id });
  await assert.rejects(shim.call(task.kill, { id, signal: 9 }), {
    kind: 'not-found',
    message: /process already finished/,
  });
  await assert.rejects(shim.call(task.start, { id }), { message: /cannot start a stopped process/ });
  const answers = await Promise.allSettled([1, 2, 3].map(() => shim.call(task.delete, { id })));
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected']);
  for (const call of [
    () => shim.call(task.state, { id }),
    () => shim.call(task.kill, { id }),
    () => shim.call(task.wait, { id }),
    () => shim.call(task.delete, { id }),
    () => shim.call(task.pids, { id }),
    () => shim.call(task.stats, { id }),
    () => shim.call(task.start, { id }),
  ])
    await assert.rejects(call(), { kind: 'not-found', message: /container not created/ });
  assert.equal(await readFile(join(bundle.path, 'options.json'), 'utf8'), '{}');
});
