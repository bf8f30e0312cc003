import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openShimPlace, rootfsOf, task } from '../support/shim.ts';
import { untilTrue } from '../support/until.ts';

const sigkill = 9;

async function residentKilobytes(pid: number): Promise<number> {
  const [, kilobytes] = /^Rss: +(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kilobytes);
}

test('a shim whose container runs holds less than a megabyte when nothing happens, and answers as before', async () => {
  await using shims = await openShimPlace();
  const bundle = await shims.bundle(['sleep', '1000']);
  const shim = await bundle.start();
  const { id } = bundle;
  await shim.call(task.create, { id, bundle: bundle.path, rootfs: rootfsOf(shims) });
  const { pid } = await shim.call(task.start, { id });
  for (let round = 0; round < 3; round++) {
    await untilTrue('little memory', async () => (await residentKilobytes(shim.pid)) < 1000);
    assert.equal((await shim.call(task.state, { id })).pid, pid);
    assert.deepEqual(
      (await shim.call(task.pids, { id })).processes.map((process) => process.pid),
      [pid],
    );
  }
  await shim.call(task.kill, { id, signal: sigkill });
  assert.equal((await shim.call(task.wait, { id })).exitStatus, 137);
  await shim.call(task.delete, { id });
  await shim.call(task.shutdown, { id });
});
