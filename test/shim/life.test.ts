import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '#/linux/process.ts';
import type { Spec } from '../support/shim.ts';
import { createTask, openShimPlace, rootfsOf, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

test('a container is created, started, waited for and deleted, and its shim shut down', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sh', '-c', 'echo out; echo err >&2; exit 3']);
  const shim = await bundle.start();
  const [stdout, stderr] = [await bundle.fifo('out'), await bundle.fifo('err')];
  const { id } = bundle;
  const rootfs = rootfsOf(shims);
  const created = await shim.call(task.create, {
    id,
    bundle: bundle.path,
    rootfs,
    stdout: stdout.path,
    stderr: stderr.path,
  });
  assert.equal((await shim.call(task.state, { id })).status, 1);
  const waiting = shim.call(task.wait, { id });
  const started = await shim.call(task.start, { id });
  assert.equal(started.pid, created.pid);
  assert.equal(String(created.pid), await readFile(join(bundle.path, 'init.pid'), 'utf8'));
  assert.equal((await waiting).exitStatus, 3);
  assert.equal(await stdout.text, 'out\n');
  assert.equal(await stderr.text, 'err\n');
  const { status, exitStatus, exitedAt } = await shim.call(task.state, { id });
  assert.deepEqual([status, exitStatus, exitedAt !== undefined], [3, 3, true]);
  const record = JSON.parse(await readFile(join(bundle.path, 'exit/init'), 'utf8')) as { pid: number; status: number };
  assert.deepEqual([record.pid, record.status], [created.pid, 3]);
  const deleted = await shim.call(task.delete, { id });
  assert.deepEqual([deleted.pid, deleted.exitStatus, deleted.exitedAt], [created.pid, 3, exitedAt]);
  await assert.rejects(shim.call(task.state, { id }), { kind: 'not-found', message: /container not created/ });
  await shim.call(task.shutdown, { id });
  await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
  await assert.rejects(readFile(shim.endpoint.address.slice('unix://'.length)), { code: 'ENOENT' });
  const topics = ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'];
  assert.deepEqual(
    shims.events,
    topics.map((topic) => `${topic} ${id}`),
  );
});

test('however soon containers end, their starts are told first and their ends once', async () => {
  await using shims = await openShimPlace();
  const group = (spec: Spec): void => {
    spec.annotations = { 'io.containerd.runc.v2.group': 'all' };
  };
  const bundles = await Promise.all(Array.from({ length: 16 }, () => shims.bundle(['true'], group)));
  const [shim] = await Promise.all(bundles.map((bundle) => bundle.start()));
  if (shim === undefined) throw new Error('no shim');
  const statuses = await Promise.all(
    bundles.map(async (bundle) => {
      const { id } = bundle;
      await createTask(shims, bundle, shim);
      const waiting = shim.call(task.wait, { id });
      await shim.call(task.start, { id });
      const { exitStatus } = await waiting;
      await shim.call(task.delete, { id });
      return exitStatus;
    }),
  );
  assert.deepEqual(new Set(statuses), new Set([0]));
  await shim.call(task.shutdown, {});
  await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
  for (const { id } of bundles)
    assert.deepEqual(
      shims.events.filter((event) => event.endsWith(` ${id}`)).map((event) => event.split(' ')[0]),
      ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete'],
    );
});

test('a container that was created and not started can be killed, and deleted at once', async () => {
  await using shims = await openShimPlace();
  const [killed, deleted] = [await shims.bundle(['sleep', '1000']), await shims.bundle(['sleep', '1000'])];
  const shim = await killed.start();
  await createTask(shims, killed, shim);
  await shim.call(task.kill, { id: killed.id, signal: 9 });
  assert.equal((await shim.call(task.wait, { id: killed.id })).exitStatus, 137);
  await assert.rejects(shim.call(task.start, { id: killed.id }), { message: /cannot start a stopped process/ });
  await shim.call(task.delete, { id: killed.id });
  const other = await deleted.start();
  const { pid } = await createTask(shims, deleted, other);
  const waiting = other.call(task.wait, { id: deleted.id });
  const told = await other.call(task.delete, { id: deleted.id });
  assert.deepEqual([told.pid, told.exitStatus, (await waiting).exitStatus], [pid, 137, 137]);
  assert.equal(await isAlive(pid), false);
  await other.call(task.shutdown, {});
  await untilTrue('end of the shim', async () => !(await isAlive(other.pid)));
  const topics = ['/tasks/create', '/tasks/exit', '/tasks/delete'];
  assert.deepEqual(
    shims.events.filter((event) => event.endsWith(deleted.id)),
    topics.map((topic) => `${topic} ${deleted.id}`),
  );
});

test('a shim that is asked to end by a signal leaves its container running, and takes its socket away', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { pid } = await createTask(shims, bundle, shim);
  await shim.call(task.start, { id: bundle.id });
  process.kill(shim.pid, 'SIGTERM');
  await untilTrue('end of the shim', async () => !(await isAlive(shim.pid)));
  assert.equal(await isAlive(pid), true);
  await assert.rejects(access(shim.endpoint.address.slice('unix://'.length)), { code: 'ENOENT' });
  const told = await bundle.remove();
  assert.deepEqual([told.pid, told.exitStatus], [pid, 137]);
});
