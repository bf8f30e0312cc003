import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '#/base/log.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { Snapshotter } from '#/core/snapshots/contract.ts';
import { openNative } from '#/core/snapshots/native.ts';
import { directoriesOf } from '#/core/snapshots/snapshots.fixture.ts';
import { snapshotRecordKey, type Metadata } from '#/core/metadata/contract.ts';

interface Machine extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly lines: readonly string[];
  /** As after another start of the machine, or of the daemon alone. */
  boot(bootId: string): Promise<Snapshotter>;
}

async function openMachine(): Promise<Machine> {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'boot-')));
  const metadata = stack.use(await openMetadata({ path: join(dir.path, 'meta.db') }));
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'text', write: (line) => lines.push(line) });
  const boot = async (bootId: string): Promise<Snapshotter> =>
    stack.use(await openNative({ root: join(dir.path, 'native'), metadata, bootId, logger }));
  return { metadata, lines, boot, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function commit(snapshots: Snapshotter, name: string, parent: string, isLayer = true): Promise<void> {
  const labels = isLayer ? { 'containerd.io/snapshot.ref': name } : {};
  await snapshots.prepare('default', `work ${name}`, parent);
  await snapshots.commit('default', name, `work ${name}`, { labels });
}

const keysOf = async (snapshots: Snapshotter): Promise<string[]> =>
  (await snapshots.list('default')).map(({ key }) => key).sort();

test('layers that were not on the disk when the power went are dropped; what is needed or cannot come again is named', async () => {
  await using machine = await openMachine();
  const first = await machine.boot('A');
  await commit(first, 'one', '');
  await commit(first, 'two', 'one');
  await commit(first, 'used', '');
  await first.prepare('default', 'container', 'used');
  await commit(first, 'mine', '', false);
  assert.deepEqual(Object.keys(await first.stat('default', 'one')).includes('unsynced'), false);
  const second = await machine.boot('B');
  assert.deepEqual(await keysOf(second), ['container', 'mine', 'used']);
  assert.equal((await directoriesOf(second)).length, 3);
  const errors = machine.lines.filter((line) => line.includes('may lack files'));
  assert.deepEqual([errors.length, errors.every((line) => /key=(?:used|mine)\b/.test(line))], [2, true]);
});

test('layers stay that a sync has brought to the disk, also one after a restart of the daemon alone', async () => {
  await using machine = await openMachine();
  const marked = (key: string): boolean =>
    machine.metadata.read.snapshots.get('default', snapshotRecordKey('native', key)).unsynced !== undefined;
  const first = await machine.boot('A');
  await commit(first, 'one', '');
  await first[Symbol.asyncDispose]();
  assert.ok(marked('one'));
  const restarted = await machine.boot('A');
  await commit(restarted, 'two', 'one');
  const before = await restarted.stat('default', 'two');
  while (marked('one') || marked('two')) await sleep(50);
  assert.deepEqual(await restarted.stat('default', 'two'), before);
  assert.deepEqual(await keysOf(await machine.boot('B')), ['one', 'two']);
});
