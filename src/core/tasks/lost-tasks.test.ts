import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import {
  bundlesIn,
  eventsOf,
  nothing,
  noStdio,
  openTaskDaemon,
  openTaskPlace,
  putContainer,
  specFor,
  tracesOf,
} from '#/core/tasks/tasks.fixture.ts';
import { berthRuntime } from '#/oci/runtime-names.ts';

const limit = { timeout: 60_000 };

async function killShims({ namespace }: TaskPlace): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('containerd-shim') && command.includes(namespace)) process.kill(Number(pid), 'SIGKILL');
  }
}

async function untilThere(path: string): Promise<void> {
  for (;;) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return;
    await delay(20);
  }
}

test('an end that only a dead shim saw is known to the next daemon, until it is released', limit, async () => {
  await using place = await openTaskPlace();
  const { namespace, rootfs } = place;
  {
    await using first = await openTaskDaemon(place);
    for (const [id, script] of [
      ['ended', 'sleep 0.3; exit 5'],
      ['killed', 'sleep 1000'],
    ] as const) {
      await putContainer(first, namespace, id, specFor(namespace, id, ['/bin/sh', '-c', script]), berthRuntime);
      await first.tasks.create(namespace, id, { rootfs, stdio: noStdio });
      await first.tasks.start({ namespace, id, execId: '' });
    }
  }
  await untilThere(join(bundlesIn(place), 'ended/exit/init'));
  await killShims(place);
  // The daemon that finds them dies too, before it has put them on record.
  for (let round = 0; round < 2; round++) {
    await using next = await openTaskDaemon(place);
    assert.deepEqual(next.tasks.adopted(), []);
    assert.equal(next.tasks.findLost(namespace, 'ended')?.exitStatus, 5);
    assert.equal(next.tasks.findLost(namespace, 'killed')?.exitStatus, 137);
  }
  await using last = await openTaskDaemon(place);
  await last.tasks.releaseLost();
  assert.equal(last.tasks.findLost(namespace, 'ended'), undefined);
  assert.deepEqual(await tracesOf(place), nothing);
});

test('what is left of a task whose shim dies goes when its end is on record', limit, async () => {
  await using place = await openTaskPlace();
  const { namespace, rootfs } = place;
  await using daemon = await openTaskDaemon(place);
  const { tasks } = daemon;
  const seen = eventsOf(daemon);
  const recorded = Promise.withResolvers<void>();
  tasks.recordLossesBy(async () => await recorded.promise);
  await putContainer(daemon, namespace, 'one', specFor(namespace, 'one', ['/bin/sleep', '1000']), berthRuntime);
  await tasks.create(namespace, 'one', { rootfs, stdio: noStdio });
  const key = { namespace, id: 'one', execId: '' };
  await tasks.start(key);
  const waiting = tasks.wait(key);
  await killShims(place);
  assert.equal((await waiting).exitStatus, 137);
  assert.deepEqual(await readdir(bundlesIn(place)), ['one']);
  recorded.resolve();
  await seen.until('/tasks/delete');
  assert.deepEqual(await tracesOf(place), nothing);
});
