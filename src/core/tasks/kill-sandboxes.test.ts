import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { writeSandboxShim } from '#/core/tasks/sandbox-shim.fixture.ts';
import { openTaskDaemon, openTaskPlace, type TaskPlace } from '#/core/tasks/tasks.fixture.ts';

async function killAtWork(place: TaskPlace, runtime: string, milliseconds: number): Promise<void> {
  const program = resolve('src/core/tasks/kill-sandboxes.fixture.ts');
  const child = spawn(process.execPath, [program, JSON.stringify(place), runtime], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  try {
    await Promise.race([
      once(child.stderr, 'data'),
      exited.then(() => Promise.reject(new Error('the process ended by itself'))),
    ]);
    await delay(milliseconds);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

/** Ids of the sandboxes of this place whose shims run. */
async function shimsOf({ namespace }: TaskPlace): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  const shims = commands.filter((words) => words.includes('sandbox-shim.fixture') && words.includes(namespace));
  return shims.map((words) => words.split('\0')[words.split('\0').indexOf('-id') + 1] ?? '');
}

test('a daemon killed at any moment leaves no sandbox half-made, and loses none', { timeout: 120_000 }, async () => {
  for (const milliseconds of [0, 150, 400, 800, 1300]) {
    await using place = await openTaskPlace();
    await killAtWork(place, await writeSandboxShim(place.path), milliseconds);
    await using daemon = await openTaskDaemon(place);
    const { sandboxes } = daemon.tasks;
    const { namespace } = place;
    assert.deepEqual(daemon.metadata.read.listIntents(), []);
    assert.equal((await sandboxes.status(namespace, 'stays', false))?.state, 'SANDBOX_READY');
    const bundles = await readdir(join(place.state, 'io.containerd.sandbox.controller.v1.shim', namespace));
    const known = [];
    for (const id of ['goes', 'stays']) if (await sandboxes.status(namespace, id, false)) known.push(id);
    assert.deepEqual(bundles.toSorted(), known);
    assert.deepEqual((await shimsOf(place)).toSorted(), known);
    for (const id of known) await sandboxes.shutdown(namespace, id);
    assert.deepEqual(await shimsOf(place), []);
  }
});
