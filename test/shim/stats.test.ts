import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '@bufbuild/protobuf';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { until } from '../support/until.ts';
import { numbersOf, readStats, writeLendingRuntime } from './read-stats.ts';
import { berthShim, foreignShim, openShimPlace, type ShimContainer } from './shim-place.ts';

const megabyte = 1 << 20;

const resources = {
  memory: { limit: 64 * megabyte, swap: 64 * megabyte, reservation: 32 * megabyte },
  cpu: { shares: 512, quota: 10_000, period: 100_000 },
  pids: { limit: 77 },
};

/** Works beyond its share of the CPU, writes to the disk, then sleeps. */
const busy = `
  busybox=/bin/busybox
  $busybox dd if=/dev/zero of=/written bs=64k count=16 conv=fsync 2>/dev/null
  $busybox cat /written >/dev/null
  i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done
  sleep 1000`;

/** Counters that no longer change, as both shims read them: the foreign one between two equal readings of ours. */
const readBoth = async (ours: ShimContainer, theirs: ShimContainer): Promise<[JsonObject, JsonObject]> =>
  await until('two equal readings', async () => {
    const before = await readStats(ours);
    const foreign = await readStats(theirs);
    const after = await readStats(ours);
    return JSON.stringify(before) === JSON.stringify(after) ? [after, foreign] : undefined;
  });

/**
 * Debian's shim does not know all that the kernel counts in version 2: what it has must be ours as well. That of
 * containerd 2 has it all, as each has of version 1.
 */
const isWhole = ({ type }: JsonObject): boolean =>
  type === 'io.containerd.cgroups.v1.Metrics' || process.env['BERTH_TEST_FOREIGN_SHIM'] !== undefined;

function expectSame(read: JsonObject, foreign: JsonObject): void {
  if (isWhole(read)) return assert.deepEqual(read, foreign);
  const ours = numbersOf(read);
  for (const [path, number] of numbersOf(foreign)) if (number !== '0') assert.equal(ours.get(path), number, path);
}

test("every counter of a container is what containerd's shim reads from the same cgroup", async () => {
  await using place = await openShimPlace();
  await using directory = await mkdtempDisposable(join(tmpdir(), 'lend-'));
  await using ours = await place.open({ shim: berthShim, args: ['sh', '-c', busy], resources });
  await using theirs = await place.open({
    shim: foreignShim,
    args: ['true'],
    runtime: await writeLendingRuntime(directory.path, ours.pid),
    isBorrowed: true,
  });
  await ours.start();
  await until('the container is throttled, then idle', async () => {
    const numbers = numbersOf(await readStats(ours));
    const throttled = numbers.get('cpu.throttling.throttledPeriods') ?? numbers.get('cpu.nrThrottled') ?? '0';
    return throttled === '0' ? undefined : true;
  });
  // runc gives up on a cgroup of version 1 whose processes are held back for their quota just then.
  const pause = () => ours.shim.call(shimMethods.pause, { id: ours.id });
  await until('the container is frozen', () =>
    pause().then(
      () => true,
      () => undefined,
    ),
  );
  const [read, foreign] = await readBoth(ours, theirs);
  await ours.shim.call(shimMethods.resume, { id: ours.id });
  expectSame(read, foreign);
  const numbers = numbersOf(read);
  assert(Number(numbers.get('pids.current')) >= 1);
  assert.equal(numbers.get('pids.limit'), '77');
  assert(Number(numbers.get('cpu.usage.total') ?? numbers.get('cpu.usageUsec')) > 0);
});

test('a container has the same fields, and the same limits, under both shims', async () => {
  await using place = await openShimPlace();
  const args = ['sleep', '1000'];
  await using ours = await place.open({ shim: berthShim, args, resources });
  await using theirs = await place.open({ shim: foreignShim, args, resources });
  const [whole, theirWhole] = [await readStats(ours), await readStats(theirs)];
  const [read, foreign] = [numbersOf(whole), numbersOf(theirWhole)];
  const fixed = (numbers: Map<string, string>): object =>
    Object.fromEntries([...numbers].filter(([path]) => /limit|type|pagesize/i.test(path)));
  const named = (numbers: Map<string, string>): string[] => [...numbers.keys()].filter((path) => !/\.\d+\./.test(path));
  assert.deepEqual(fixed(read), fixed(foreign));
  assert.deepEqual(
    named(foreign).filter((path) => !read.has(path)),
    [],
  );
  if (isWhole(whole)) assert.deepEqual(named(read), named(foreign));
  assert.equal(read.get('memory.usage.limit') ?? read.get('memory.usageLimit'), String(64 * megabyte));
});

for (const shim of [berthShim, foreignShim])
  test(`a container that has ended has counters until it is deleted, under ${shim}`, async () => {
    await using place = await openShimPlace();
    await using container = await place.open({ shim, args: ['true'], resources });
    await container.start();
    await container.shim.call(shimMethods.wait, { id: container.id });
    assert.equal(numbersOf(await readStats(container)).get('pids.current'), '0');
    await container.shim.call(shimMethods.delete, { id: container.id });
    await assert.rejects(readStats(container), { kind: 'not-found' });
  });
