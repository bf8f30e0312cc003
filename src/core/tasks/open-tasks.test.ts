import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessKey } from '#/core/tasks/contract.ts';
import { attachStdio, stdioEnded } from '#/core/tasks/stdio.ts';
import { openStdio } from '#/core/tasks/stdio-program.ts';
import type { TaskDaemon, TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import {
  bundlesIn,
  eventsOf,
  nothing,
  noStdio,
  openTaskDaemon,
  openTaskPlace,
  processFor,
  putContainer,
  specFor,
  stdioBinary,
  tracesOf,
  unlikeLinux,
} from '#/core/tasks/tasks.fixture.ts';
import { mount, unmount } from '#/linux/mount.ts';
import { jsonTypeUrls, packJson } from '#/rpc/any.ts';

const limit = { timeout: 60_000 };

/** A container and its task, created but not started. */
async function createTask(
  daemon: TaskDaemon,
  { namespace, rootfs }: TaskPlace,
  id: string,
  args: readonly string[],
): Promise<ProcessKey> {
  await putContainer(daemon, namespace, id, specFor(namespace, id, args));
  await daemon.tasks.create(namespace, id, { rootfs, stdio: noStdio });
  return { namespace, id, execId: '' };
}

test('a task runs to its exit code, and nothing of it is left', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { tasks } = daemon;
  const seen = eventsOf(daemon);
  const key = await createTask(daemon, place, 'one', ['/bin/sh', '-c', 'exit 7']);
  assert.equal((await tasks.state(key)).status, 'created');
  await assert.rejects(tasks.create(place.namespace, 'one', { rootfs: [], stdio: noStdio }), {
    kind: 'already-exists',
  });
  const there = await tracesOf(place);
  for (const [kind, found] of Object.entries(there)) assert.notDeepEqual(found, [], kind);
  const { pid } = await tasks.start(key);
  const exit = await tasks.wait(key);
  assert.deepEqual([exit.exitStatus, exit.pid], [7, pid]);
  const state = await tasks.state(key);
  assert.deepEqual([state.status, state.exitStatus, state.exitedAt], ['stopped', 7, exit.exitedAt]);
  assert.deepEqual(await tasks.wait(key), exit);
  assert.equal((await tasks.delete(place.namespace, 'one')).exitStatus, 7);
  await assert.rejects(tasks.wait(key), { kind: 'not-found' });
  await seen.until('/tasks/delete');
  assert.deepEqual(seen.topics(), ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete']);
  await daemon[Symbol.asyncDispose]();
  assert.deepEqual(await tracesOf(place), nothing);
});

test(
  'kill(), delete(), pause(), pids(), stats() and list() of a running task',
  { ...limit, skip: unlikeLinux },
  async () => {
    await using place = await openTaskPlace();
    await using daemon = await openTaskDaemon(place);
    const { tasks } = daemon;
    const { namespace } = place;
    const key = await createTask(daemon, place, 'sleeper', ['/bin/sleep', '1000']);
    const { pid } = await tasks.start(key);
    await assert.rejects(tasks.delete(namespace, 'sleeper'), { kind: 'failed-precondition', message: /it is running/ });
    assert.deepEqual(
      (await tasks.list(namespace)).map((state) => [state.id, state.status, state.pid]),
      [['sleeper', 'running', pid]],
    );
    assert.deepEqual(await tasks.list('elsewhere'), []);
    assert.deepEqual(
      (await tasks.pids(namespace, 'sleeper')).map((entry) => entry.pid),
      [pid],
    );
    assert.match(
      (await tasks.stats(namespace, 'sleeper')).data?.typeUrl ?? '',
      /^io\.containerd\.cgroups\.v\d\.Metrics$/,
    );
    await tasks.pause(namespace, 'sleeper');
    assert.equal((await tasks.state(key)).status, 'paused');
    await tasks.resume(namespace, 'sleeper');
    const stop = new AbortController();
    const waiting = tasks.wait(key, stop.signal);
    stop.abort(new Error('no longer interested'));
    await assert.rejects(waiting, /no longer interested/);
    await tasks.kill(key, 15);
    await tasks.kill(key, 9);
    assert.equal((await tasks.wait(key)).exitStatus, 137);
    await assert.rejects(tasks.kill(key, 9), { kind: 'not-found' });
    await tasks.delete(namespace, 'sleeper');
    assert.deepEqual(await tasks.list(namespace), []);
  },
);

test('exec() runs a second process with streams and exit code of its own', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { tasks } = daemon;
  const { namespace } = place;
  const init = await createTask(daemon, place, 'host', ['/bin/sleep', '1000']);
  await tasks.start(init);
  const directory = join(place.path, 'exec-io');
  const options = { binary: stdioBinary, directory, terminal: false, openStdin: true, stdinOnce: true, stderr: true };
  const stdio = await openStdio(options);
  const client = await attachStdio(stdio.socketPath, {
    stdin: true,
    stdout: true,
    stderr: true,
    raw: true,
    once: true,
  });
  const process = packJson(jsonTypeUrls.process, processFor(['/bin/sh', '-c', 'cat; exit 3']));
  const key = { namespace, id: 'host', execId: 'second' };
  await tasks.exec(namespace, 'host', { execId: 'second', process, stdio: stdio.stdio });
  const waiting = tasks.wait(key);
  await tasks.start(key);
  await tasks.closeStdin(key);
  client.end('through the FIFO');
  assert.equal(Buffer.concat(await client.toArray()).toString(), 'through the FIFO');
  assert.equal((await waiting).exitStatus, 3);
  assert.equal((await tasks.deleteExec(namespace, 'host', 'second')).exitStatus, 3);
  await assert.rejects(tasks.wait(key), { kind: 'not-found' });
  await stdioEnded(stdio.socketPath);
  await tasks.kill(init, 9, { all: true });
  await tasks.wait(init);
  await tasks.delete(namespace, 'host');
});

test('resize() reaches the terminal of a task', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { tasks } = daemon;
  const { namespace, rootfs } = place;
  const options = { binary: stdioBinary, terminal: true, openStdin: true, stdinOnce: true, stderr: false };
  const stdio = await openStdio({ ...options, directory: join(place.path, 'tty-io') });
  const client = await attachStdio(stdio.socketPath, {
    stdin: true,
    stdout: true,
    stderr: false,
    raw: true,
    once: true,
  });
  await putContainer(
    daemon,
    namespace,
    'tty',
    specFor(namespace, 'tty', ['/bin/sh', '-c', 'read line; stty size'], true),
  );
  await tasks.create(namespace, 'tty', { rootfs, stdio: stdio.stdio });
  const key = { namespace, id: 'tty', execId: '' };
  await tasks.start(key);
  await tasks.resize(key, { width: 123, height: 45 });
  client.write('go\n');
  assert.match(Buffer.concat(await client.toArray()).toString(), /45 123\r\n/);
  assert.equal((await tasks.wait(key)).exitStatus, 0);
  await tasks.delete(namespace, 'tty');
});

test(
  'a failed create tells the reason of the runtime and leaves nothing',
  { ...limit, skip: unlikeLinux },
  async () => {
    await using place = await openTaskPlace();
    await using daemon = await openTaskDaemon(place);
    const { tasks } = daemon;
    const { namespace } = place;
    const seen = eventsOf(daemon);
    await assert.rejects(createTask(daemon, place, 'broken', ['/no/such/program']), (error: Error) => {
      assert.match(error.message, /^Cannot create task ".*\/broken": .*runc create failed.*\/no\/such\/program/);
      assert.match(error.message, /no such file or directory/);
      return true;
    });
    assert.equal(tasks.has(namespace, 'broken'), false);
    assert.deepEqual(daemon.metadata.read.listIntents('task'), []);
    assert.deepEqual(await tracesOf(place), nothing);
    assert.deepEqual(
      seen.topics().filter((topic) => topic !== '/tasks/create'),
      [],
    );
    await assert.rejects(tasks.create(namespace, 'nobody', { rootfs: [], stdio: noStdio }), { kind: 'not-found' });
    await putContainer(daemon, namespace, 'odd', specFor(namespace, 'odd', ['/bin/true']), 'io.containerd.missing.v9');
    await assert.rejects(tasks.create(namespace, 'odd', { rootfs: place.rootfs, stdio: noStdio }), {
      kind: 'not-found',
      message: /containerd-shim-missing-v9/,
    });
    assert.deepEqual(await tracesOf(place), nothing);
  },
);

test('create() on a full disk says so and leaves nothing', limit, async () => {
  await using place = await openTaskPlace();
  await mkdir(place.state);
  await mount({ type: 'tmpfs', source: 'tmpfs', target: place.state, options: ['size=16k'] });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => unmount(place.state, { detach: true }));
  await using daemon = await openTaskDaemon(place);
  await writeFile(join(place.state, 'ballast'), Buffer.alloc(16 * 1024)).catch(() => {});
  await assert.rejects(createTask(daemon, place, 'late', ['/bin/true']), {
    kind: 'resource-exhausted',
    message: /^Cannot create task ".*\/late": the disk of ".*" is full/,
  });
  assert.deepEqual({ ...(await tracesOf(place)), mounts: [] }, nothing);
  assert.deepEqual(daemon.metadata.read.listIntents('task'), []);
});

test('openTasks() adopts what runs and learns of exits while it was away', limit, async () => {
  await using place = await openTaskPlace();
  const { namespace } = place;
  const first = await openTaskDaemon(place);
  const stays = await createTask(first, place, 'stays', ['/bin/sleep', '1000']);
  const ends = await createTask(first, place, 'ends', ['/bin/sh', '-c', 'sleep 0.3; exit 5']);
  const { pid } = await first.tasks.start(stays);
  await first.tasks.start(ends);
  const waiting = first.tasks.wait(stays);
  await Promise.all([assert.rejects(waiting, { kind: 'unavailable' }), first[Symbol.asyncDispose]()]);
  await delay(600);

  await using second = await openTaskDaemon(place);
  const { tasks } = second;
  const adopted = tasks.adopted().map(({ id }) => id);
  assert.deepEqual([...adopted].sort(), ['ends', 'stays']);
  assert.equal((await tasks.wait(ends)).exitStatus, 5);
  assert.deepEqual([(await tasks.state(stays)).status, (await tasks.state(stays)).pid], ['running', pid]);
  await tasks.kill(stays, 9);
  assert.deepEqual((({ exitStatus, pid: killed }) => [exitStatus, killed])(await tasks.wait(stays)), [137, pid]);
  await Promise.all([tasks.delete(namespace, 'stays'), tasks.delete(namespace, 'ends')]);
  await second[Symbol.asyncDispose]();
  assert.deepEqual(await tracesOf(place), nothing);
});

test('openTasks() removes bundles without a shim and undoes half-made tasks', limit, async () => {
  await using place = await openTaskPlace();
  const { namespace } = place;
  const first = await openTaskDaemon(place);
  const half = await createTask(first, place, 'half', ['/bin/sleep', '1000']);
  await first.tasks.start(half);
  const detail = { namespace, id: 'half', bundle: '' };
  await first.metadata.write((tx) =>
    tx.addIntent({ id: `task/${namespace}/half`, namespace, kind: 'task', detail, createdAt: 1n }),
  );
  await first[Symbol.asyncDispose]();
  await mkdir(join(bundlesIn(place), 'stray/rootfs'), { recursive: true });
  await mkdir(join(bundlesIn(place), 'empty'));
  await mkdir(join(bundlesIn(place), '.deleted.1234'));
  await mkdir(join(place.path, 'root/io.containerd.runtime.v2.task', namespace, 'lone'), { recursive: true });

  await using second = await openTaskDaemon(place);
  assert.deepEqual(second.tasks.adopted(), []);
  assert.deepEqual(second.metadata.read.listIntents('task'), []);
  assert.deepEqual(await tracesOf(place), nothing);
});

test('the death of a shim ends its task with events, and nothing is left', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { tasks } = daemon;
  const seen = eventsOf(daemon);
  const key = await createTask(daemon, place, 'orphan', ['/bin/sleep', '1000']);
  await tasks.start(key);
  const waiting = tasks.wait(key);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('containerd-shim') && command.includes(place.namespace)) process.kill(Number(pid), 'SIGKILL');
  }
  assert.equal((await waiting).exitStatus, 137);
  await seen.until('/tasks/delete');
  assert.deepEqual(seen.topics(), ['/tasks/create', '/tasks/start', '/tasks/exit', '/tasks/delete']);
  assert.equal(tasks.has(place.namespace, 'orphan'), false);
  assert.deepEqual(await tracesOf(place), nothing);
});

test('the same id can be used again at once', limit, async () => {
  await using place = await openTaskPlace();
  await using daemon = await openTaskDaemon(place);
  const { tasks } = daemon;
  const { namespace, rootfs } = place;
  await putContainer(daemon, namespace, 'again', specFor(namespace, 'again', ['/bin/true']));
  const key = { namespace, id: 'again', execId: '' };
  for (let round = 0; round < 4; round++) {
    await tasks.create(namespace, 'again', { rootfs, stdio: noStdio });
    await tasks.start(key);
    assert.equal((await tasks.wait(key)).exitStatus, 0);
    await tasks.delete(namespace, 'again');
  }
});
