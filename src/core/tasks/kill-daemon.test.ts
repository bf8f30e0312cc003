import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { nothing, openTaskDaemon, openTaskPlace, tracesOf } from '#/core/tasks/tasks.fixture.ts';
import { collectOutput, openChildPipe } from '#/linux/pipe.ts';
import { spawn } from '#/linux/spawn.ts';

/** Lets a daemon work for a while after its first task runs, kills it, and returns the id of that task. */
async function killAtWork(place: TaskPlace, milliseconds: number): Promise<string> {
  using stderr = openChildPipe('from-child');
  const child = spawn({
    file: process.execPath,
    args: [resolve('src/core/tasks/kill-daemon.fixture.ts'), JSON.stringify(place)],
    env: process.env,
    stdio: ['ignore', 'ignore', stderr.fd],
  });
  stderr.release();
  const stays = Promise.withResolvers<string>();
  let text = '';
  stderr.stream.on('data', (piece: Buffer) => {
    text += piece.toString();
    const [, id] = /stays (\w+)\n/.exec(text) ?? [];
    if (id !== undefined) stays.resolve(id);
  });
  const output = collectOutput(stderr.stream, () => true);
  void child.exited.then(() => stays.reject(new Error(`the daemon ended by itself: ${text}`)));
  try {
    const id = await stays.promise;
    await delay(milliseconds);
    return id;
  } finally {
    child.kill(9);
    await child.exited;
    await output;
  }
}

test('a daemon that is killed at any moment leaves nothing half-made, and loses no running task', async () => {
  for (const milliseconds of [0, 7, 19, 37, 53, 71]) {
    await using place = await openTaskPlace();
    const id = await killAtWork(place, milliseconds);
    await using daemon = await openTaskDaemon(place);
    const { tasks, metadata } = daemon;
    assert.deepEqual(metadata.read.listIntents('task'), []);
    await tasks.releaseLost();
    const adopted = tasks.adopted().map((key) => key.id);
    assert(adopted.includes(id), `"${id}" is among ${adopted.join(', ')}`);
    assert.equal((await tasks.state({ namespace: place.namespace, id, execId: '' })).status, 'running');
    for (const each of adopted) {
      const key = { namespace: place.namespace, id: each, execId: '' };
      if (each === id) await tasks.kill(key, 9);
      else await tasks.kill(key, 9).catch(() => {});
      assert.equal((await tasks.wait(key)).exitStatus, each === id ? 137 : (await tasks.state(key)).exitStatus);
      await tasks.delete(place.namespace, each);
    }
    await daemon[Symbol.asyncDispose]();
    assert.deepEqual(await tracesOf(place), nothing);
  }
});
