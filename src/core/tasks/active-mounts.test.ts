import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { Mount } from '#/core/snapshots/contract.ts';
import { noStdio, nothing, openTaskDaemon, openTaskPlace, putContainer } from '#/core/tasks/tasks.fixture.ts';
import { specFor, tracesOf, type TaskPlace } from '#/core/tasks/tasks.fixture.ts';

const run = promisify(execFile);
const limit = { timeout: 60_000 };

/** The place's image as an erofs file under a writable overlay. */
async function erofsRoot({ path, rootfs }: TaskPlace): Promise<Mount[]> {
  const image = join(path, 'image.erofs');
  await run('mkfs.erofs', [image, rootfs[0]?.source ?? '']);
  await Promise.all(['upper', 'work'].map((name) => mkdir(join(path, name))));
  const options = ['lowerdir={{ mount 0 }}', `upperdir=${path}/upper`, `workdir=${path}/work`];
  return [
    { type: 'erofs', source: image, options: ['ro'] },
    { type: 'format/overlay', source: 'overlay', options },
  ];
}

test('a root that needs more than mount calls is made for the task, and undone with it', limit, async () => {
  await using place = await openTaskPlace();
  const { namespace } = place;
  await using daemon = await openTaskDaemon(place);
  const { tasks, metadata } = daemon;
  const rootfs = await erofsRoot(place);
  const key = { namespace, id: 'one', execId: '' };
  await putContainer(daemon, namespace, 'one', specFor(namespace, 'one', ['/bin/sh', '-c', 'exit 3']));
  await tasks.create(namespace, 'one', { rootfs, stdio: noStdio });
  assert.deepEqual(metadata.read.mounts.get(namespace, 'one').labels, { 'containerd.io/gc.bref.container': 'one' });
  await tasks.start(key);
  assert.equal((await tasks.wait(key)).exitStatus, 3);
  await tasks.delete(namespace, 'one');
  assert.deepEqual(metadata.read.mounts.list(namespace), []);
  await daemon[Symbol.asyncDispose]();
  assert.deepEqual(await tracesOf(place), nothing);
});

test('a root made for a task that fails, or that a dead daemon left, is undone', limit, async () => {
  await using place = await openTaskPlace();
  const { namespace } = place;
  const rootfs = await erofsRoot(place);
  {
    await using daemon = await openTaskDaemon(place);
    await putContainer(daemon, namespace, 'one', specFor(namespace, 'one', ['/bin/no-such-program']));
    await assert.rejects(daemon.tasks.create(namespace, 'one', { rootfs, stdio: noStdio }), /no-such-program/);
    assert.deepEqual(daemon.metadata.read.mounts.list(namespace), []);
    // As a daemon leaves it that dies between mounts and shim.
    await daemon.mounts.activate(namespace, 'one', rootfs, { labels: { 'containerd.io/gc.bref.container': 'one' } });
    await mkdir(join(place.state, 'io.containerd.runtime.v2.task', namespace, 'one'), { recursive: true });
    const detail = { namespace, id: 'one', bundle: '' };
    await daemon.metadata.write((tx) => tx.addIntent({ id: 'x', namespace, kind: 'task', detail, createdAt: 1n }));
  }
  await using next = await openTaskDaemon(place);
  assert.deepEqual(next.metadata.read.mounts.list(namespace), []);
  assert.deepEqual(await tracesOf(place), nothing);
});
