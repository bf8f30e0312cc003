import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '#/linux/process.ts';
import { openShimPlace, rootfsOf, task } from '../support/shim.ts';
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
  assert.deepEqual(shims.events, ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete']);
});
