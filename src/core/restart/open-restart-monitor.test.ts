import assert from 'node:assert/strict';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Labels } from '#/base/any.ts';
import { silentLogger } from '#/base/log.ts';
import { openRestartMonitor } from '#/core/restart/open-restart-monitor.ts';
import { openNative } from '#/core/snapshots/native.ts';
import { openTaskDaemon, openTaskPlace, putContainer, specFor } from '#/core/tasks/tasks.fixture.ts';

const label = (name: string): string => `containerd.io/restart.${name}`;

/** A daemon with one container, made long ago, whose monitor looks ten times a second. */
async function openScene(args: readonly string[], labels: Labels) {
  const stack = new AsyncDisposableStack();
  const place = stack.use(await openTaskPlace());
  const daemon = stack.use(await openTaskDaemon(place));
  const native = stack.use(await openNative({ root: join(place.path, 'native'), metadata: daemon.metadata }));
  const [mount] = await native.prepare(place.namespace, 'root', '');
  await cp(join(place.path, 'image'), mount?.source ?? '', { recursive: true, verbatimSymlinks: true });
  await putContainer(daemon, place.namespace, 'c', specFor(place.namespace, 'c', args));
  const find = () => daemon.metadata.read.containers.get(place.namespace, 'c');
  const relabel = async (change: Labels): Promise<void> =>
    await daemon.metadata.write((tx) => {
      const before = tx.containers.get(place.namespace, 'c');
      const root = { snapshotter: 'native', snapshotKey: 'root', createdAt: 1n };
      tx.containers.update(place.namespace, { ...before, ...root, labels: { ...before.labels, ...change } });
    });
  await relabel(labels);
  const task = { namespace: place.namespace, id: 'c', execId: '' };
  // After the monitor, which would start it again.
  stack.defer(async () => {
    if (!daemon.tasks.has(place.namespace, 'c')) return;
    await daemon.tasks.kill(task, 9, { all: true }).catch(() => {});
    await daemon.tasks.wait(task, AbortSignal.timeout(10_000));
    await daemon.tasks.delete(place.namespace, 'c');
  });
  const parts = { ...daemon, snapshotters: new Map([['native', native]]), logger: silentLogger };
  stack.use(openRestartMonitor({ ...parts, interval: 100 }));
  const running = async (): Promise<boolean> => {
    const state = await daemon.tasks.state(task).catch(() => undefined);
    return state?.status === 'running';
  };
  const count = (): number => Number(find().labels[label('count')] ?? '0');
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await sleep(20);
  };
  const { namespace, path } = place;
  return { daemon, namespace, path, relabel, running, count, until, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('a container that is to be running is started, and again when it has ended, with its log', async () => {
  const log = `/tmp/restart-${process.pid}.log`;
  await using scene = await openScene(['sh', '-c', 'echo again; sleep 0.1'], {
    [label('status')]: 'running',
    [label('loguri')]: `file://${log}`,
  });
  await scene.until(() => scene.count() >= 3);
  const written = await readFile(log, 'utf8');
  await rm(log);
  assert.match(written, /^(again\n){2,}/);
});

test('on-failure:2 starts a failing container twice, and its count says so', async () => {
  await using scene = await openScene(['sh', '-c', 'exit 3'], {
    [label('status')]: 'running',
    [label('policy')]: 'on-failure:2',
  });
  const { tasks, metadata } = scene.daemon;
  const process = { namespace: scene.namespace, id: 'c', execId: '' };
  const rootfs = [{ type: 'bind', source: join(scene.path, 'image'), options: ['rbind', 'rw'] }];
  await sleep(300);
  assert.equal(scene.count(), 0, 'it has not failed yet');
  await tasks.create(scene.namespace, 'c', { rootfs, stdio: { terminal: false, stdin: '', stdout: '', stderr: '' } });
  await tasks.start(process);
  await scene.until(() => scene.count() === 2);
  await sleep(400);
  // The count is written before the task is made anew: for a moment there may be none.
  await scene.until(async () => {
    const state = await tasks.state(process).catch(() => undefined);
    return state?.status === 'stopped' && state.exitStatus === 3;
  });
  assert.equal(scene.count(), 2);
  assert.equal(metadata.read.containers.get(scene.namespace, 'c').labels[label('policy')], 'on-failure:2');
});

test('a container that is to be stopped is stopped, and one that somebody stopped stays so with unless-stopped', async () => {
  await using scene = await openScene(['sleep', '1000'], {
    [label('status')]: 'running',
    [label('policy')]: 'unless-stopped',
  });
  await scene.until(() => scene.running());
  await scene.relabel({ [label('status')]: 'stopped' });
  await scene.until(async () => !(await scene.running()));
  await scene.relabel({ [label('status')]: 'running', [label('explicitly-stopped')]: 'true' });
  await sleep(400);
  assert.equal(await scene.running(), false);
  assert.equal(scene.count(), 1);
});
