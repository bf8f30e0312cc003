import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { readCgroups, removeCgroup } from '#/linux/cgroup.ts';
import { untilTrue } from '../support/until.ts';
import { berthShim, foreignShim, openShimPlace, type ShimContainer } from './shim-place.ts';

const limit = 24 << 20;
const resources = { memory: { limit, swap: limit } };
const killed = 128 + 9;

/** Takes four times what it may. */
const hog = ['/bin/busybox', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=96M', 'count=1'];
const ooms = (container: ShimContainer): number =>
  container.told().filter(({ topic }) => topic === '/tasks/oom').length;

/** containerd's shim begins to watch when the start is over: what is killed at once, it may never hear of. */
const hogUnder = (shim: string): readonly string[] =>
  shim === berthShim ? hog : ['sh', '-c', `sleep 0.5; exec ${hog.join(' ')}`];

for (const shim of [berthShim, foreignShim]) {
  test(`a container that takes more memory than it may is told of, under ${shim}`, async () => {
    await using place = await openShimPlace();
    await using container = await place.open({ shim, args: hogUnder(shim), resources });
    await container.start();
    const { exitStatus } = await container.shim.call(shimMethods.wait, { id: container.id });
    assert.equal(exitStatus, killed);
    await container.untilTold('/tasks/oom');
    const exit = await container.untilTold('/tasks/exit');
    assert.deepEqual(exit, { topic: '/tasks/exit', of: container.id, exec: container.id, status: killed });
  });

  test(`a child that is killed for want of memory is told of while init lives, each time, under ${shim}`, async () => {
    await using place = await openShimPlace();
    const script = `${hog.join(' ')}; cat /wait; ${hog.join(' ')}; sleep 1000`;
    const args = ['sh', '-c', `/bin/busybox mkfifo /wait; ${script}`];
    await using container = await place.open({ shim, args, resources });
    await container.start();
    await untilTrue('the first', () => Promise.resolve(ooms(container) > 0));
    const before = ooms(container);
    await container.exec(['sh', '-c', 'echo > /wait']);
    await untilTrue('the second', () => Promise.resolve(ooms(container) > before));
    const { status } = await container.shim.call(shimMethods.state, { id: container.id });
    assert.equal(status, Status.RUNNING);
  });

  test(`an exec that takes more memory than the container has is told of, under ${shim}`, async () => {
    await using place = await openShimPlace();
    await using container = await place.open({ shim, args: ['sleep', '1000'], resources });
    await container.start();
    const exec = await container.exec(hog);
    await container.untilTold('/tasks/oom');
    const exit = await container.untilTold('/tasks/exit');
    assert.deepEqual(exit, { topic: '/tasks/exit', of: container.id, exec, status: killed });
    const { status } = await container.shim.call(shimMethods.state, { id: container.id });
    assert.equal(status, Status.RUNNING);
  });

  test(`a container that ends by itself within its memory is not told of, under ${shim}`, async () => {
    await using place = await openShimPlace();
    await using container = await place.open({ shim, args: ['true'], resources });
    await container.start();
    await container.untilTold('/tasks/exit');
    await container.shim.call(shimMethods.delete, { id: container.id });
    await container.untilTold('/tasks/delete');
    assert.equal(ooms(container), 0);
  });
}

test('the end of a container comes after what killed it', async () => {
  await using place = await openShimPlace();
  await using container = await place.open({ shim: berthShim, args: hog, resources });
  await container.start();
  await container.untilTold('/tasks/exit');
  const topics = container.told().map(({ topic }) => topic);
  assert.deepEqual(topics, ['/tasks/create', '/tasks/start', '/tasks/oom', '/tasks/exit']);
});

test('a kill is told of also when the cgroup is removed before the shim has looked, as systemd does', async () => {
  await using place = await openShimPlace();
  const args = ['sh', '-c', `/bin/busybox mkfifo /go; cat /go; exec ${hog.join(' ')}`];
  await using container = await place.open({ shim: berthShim, args, resources });
  const { id, pid, shim } = container;
  await container.start();
  const { shimPid } = await shim.call(shimMethods.connect, { id });
  const directory = await memoryCgroupOf(pid);
  await untilTrue('it waits', async () => existsSync(join(place.root, 'go')));
  process.kill(shimPid, 'SIGSTOP');
  try {
    await writeFile(join(place.root, 'go'), '');
    await untilTrue('it is killed', async () => /\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8')));
    await removeCgroup(directory);
  } finally {
    process.kill(shimPid, 'SIGCONT');
  }
  await container.untilTold('/tasks/exit');
  await container.untilTold('/tasks/oom');
});

/** The directory of the hierarchy that limits the memory of a process. */
async function memoryCgroupOf(pid: number): Promise<string> {
  const places = await readCgroups(pid);
  const legacy = places.find(({ controllers }) => controllers.includes('memory'));
  const unified = places.find(({ hierarchy }) => hierarchy === 0);
  return legacy === undefined
    ? join('/sys/fs/cgroup', unified?.path ?? '')
    : join('/sys/fs/cgroup/memory', legacy.path);
}
