/** A root on a disk so small that it fills up: what was there stays and runs, what does not fit leaves nothing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { mount } from '#/linux/mount.ts';
import { startFakeRegistry, wireImage } from '../../support/fake-registry.ts';
import { startJourney, type Journey } from '../../support/journey.ts';
import { busyboxLayer, dockerArchive } from '../../support/layered-image.ts';

const megabyte = 1024 * 1024;
const full = /Cannot .*: (the disk (of ".*" )?is full.*; free some space|ENOSPC: no space left on device)/;

async function startOnSmallDisk(): Promise<Journey> {
  const prepare = async (directory: string): Promise<void> => {
    const target = join(directory, 'root');
    await mkdir(target);
    await mount({ type: 'tmpfs', source: 'tmpfs', options: ['size=24m', 'mode=0711'], target });
  };
  return startJourney([], { prepare });
}

/** Takes every byte that is left. */
async function fill(path: string): Promise<void> {
  await using file = await open(path, 'a');
  for (const size of [megabyte, 4096])
    for (;;) {
      const written = await file.write(Buffer.alloc(size, 1)).catch(() => ({ bytesWritten: 0 }));
      if (written.bytesWritten < size) break;
    }
}

test('an image that does not fit is refused by load and by pull, and leaves nothing', async () => {
  await using journey = await startOnSmallDisk();
  const layers = [await busyboxLayer(), archiveOf({ name: 'large', content: randomBytes(40 * megabyte) })];
  await assert.rejects(journey.load(dockerArchive('large:1', { layers })), full);
  await journey.assertInOrder();
  await using registry = await startFakeRegistry(wireImage({ layers }));
  await assert.rejects(journey.pull(`${registry.host}/app:1`), full);
  await journey.assertInOrder({ uploads: true });
});

test('an image that fits but for its snapshot is refused, and leaves nothing', async () => {
  await using journey = await startOnSmallDisk();
  const layers = [await busyboxLayer(), archiveOf({ name: 'large', content: randomBytes(9 * megabyte) })];
  await assert.rejects(journey.load(dockerArchive('large:1', { layers })), full);
  await journey.assertInOrder();
  const small = [await busyboxLayer(), archiveOf({ name: 'small', content: randomBytes(megabyte) })];
  await journey.load(dockerArchive('small:1', { layers: small }));
  assert.equal((await journey.run('small:1', ['true'])).code, 0);
});

test('with no byte left every call is answered, containers run on and end, and what is removed makes room', async () => {
  await using journey = await startOnSmallDisk();
  const { client, daemon } = journey;
  const script = 'trap "exit 9" TERM; while true; do sleep 0.1; done';
  const stopped = await journey.start('hello', ['sh', '-c', script], { name: 'stopped' });
  const steady = await journey.start('hello', ['sh', '-c', script], { name: 'steady' });
  const small = dockerArchive('small:1', { layers: [await busyboxLayer()] });
  await journey.load(small);
  const filler = join(daemon.root, 'filler');
  await fill(filler);

  const more = dockerArchive('more:1', { layers: [archiveOf({ name: 'more', content: randomBytes(megabyte) })] });
  await assert.rejects(journey.load(more), full);
  await assert.rejects(journey.start('hello', ['true'], { name: 'new' }), full);
  assert.equal((await client.containers.inspect(steady)).State.Running, true);
  await client.containers.stop(stopped, { timeout: 5 });
  const { State } = await client.containers.inspect(stopped);
  assert.deepEqual([State.Status, State.ExitCode], ['exited', 9]);
  await client.containers.remove(stopped);
  await client.images.remove('small:1');
  await journey.assertInOrder();

  await fill(filler);
  await daemon.crash();
  await daemon.start();
  assert.equal((await client.containers.inspect(steady)).State.Running, true);
  await rm(filler);
  await journey.load(more);
  await client.containers.remove(steady, { force: true });
  await journey.assertInOrder();
});
