import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { shimMethods } from '#/core/tasks/shim-client.ts';
import { Status } from '#/gen/containerd/types/task/task_pb.ts';
import { readCgroups } from '#/linux/cgroup.ts';
import { anyOfValue, jsonTypeUrls, packJson } from '#/rpc/any.ts';
import { until } from '../support/until.ts';
import { numbersOf, readStats } from './read-stats.ts';
import { berthShim, foreignShim, openShimPlace, type ShimContainer } from './shim-place.ts';

const megabyte = 1 << 20;

/** A file of the container's cgroup, by its name in version 1 ("memory/memory.limit_in_bytes") and in version 2. */
async function readLimit({ pid }: ShimContainer, [v1, v2]: readonly [string, string]): Promise<string> {
  const [controller = ''] = v1.split('/');
  const places = await readCgroups(pid);
  const legacy = places.find(({ controllers }) => controllers.includes(controller));
  const unified = places.find(({ hierarchy }) => hierarchy === 0);
  const path =
    legacy === undefined
      ? join('/sys/fs/cgroup', unified?.path ?? '', v2)
      : join('/sys/fs/cgroup', controller, legacy.path, v1.slice(controller.length + 1));
  return (await readFile(path, 'utf8')).trim();
}

const frozen = ['freezer/freezer.state', 'cgroup.events'] as const;
const memory = ['memory/memory.limit_in_bytes', 'memory.max'] as const;
const pids = ['pids/pids.max', 'pids.max'] as const;
const quota = ['cpu/cpu.cfs_quota_us', 'cpu.max'] as const;

for (const shim of [berthShim, foreignShim]) {
  test(`pause freezes the cgroup of a container and resume thaws it, under ${shim}`, async () => {
    await using place = await openShimPlace();
    await using container = await place.open({ shim, args: ['sleep', '1000'] });
    const { id } = container;
    await container.start();
    const statusOf = async () => (await container.shim.call(shimMethods.state, { id })).status;
    await container.shim.call(shimMethods.pause, { id });
    assert.match(await readLimit(container, frozen), /FROZEN|frozen 1/);
    assert.equal(await statusOf(), Status.PAUSED);
    await container.shim.call(shimMethods.resume, { id });
    assert.match(await readLimit(container, frozen), /THAWED|frozen 0/);
    assert.equal(await statusOf(), Status.RUNNING);
    const topics = container.told().map(({ topic }) => topic);
    await container.untilTold('/tasks/resumed');
    assert.deepEqual(topics.slice(0, 3), ['/tasks/create', '/tasks/start', '/tasks/paused']);
  });

  test(`update changes the limits of a container, and its counters tell them, under ${shim}`, async () => {
    await using place = await openShimPlace();
    const resources = {
      memory: { limit: 64 * megabyte },
      pids: { limit: 40 },
      cpu: { quota: 50_000, period: 100_000 },
    };
    await using container = await place.open({ shim, args: ['sleep', '1000'], resources });
    const { id } = container;
    await container.start();
    const change = { memory: { limit: 32 * megabyte }, pids: { limit: 20 }, cpu: { quota: 25_000, period: 100_000 } };
    const changed = anyOfValue(packJson(jsonTypeUrls.linuxResources, change));
    assert.equal(await readLimit(container, memory), String(64 * megabyte));
    await container.shim.call(shimMethods.update, { id, resources: changed });
    assert.equal(await readLimit(container, memory), String(32 * megabyte));
    assert.equal(await readLimit(container, pids), '20');
    assert.match(await readLimit(container, quota), /^25000/);
    const numbers = numbersOf(await readStats(container));
    assert.equal(numbers.get('memory.usage.limit') ?? numbers.get('memory.usageLimit'), String(32 * megabyte));
    assert.equal(numbers.get('pids.limit'), '20');
  });

  test(`throttling by a quota is counted, and update takes the quota away, under ${shim}`, async () => {
    await using place = await openShimPlace();
    const resources = { cpu: { quota: 5000, period: 100_000 } };
    await using container = await place.open({ shim, args: ['sh', '-c', 'while :; do :; done'], resources });
    const { id } = container;
    await container.start();
    const throttled = async () => {
      const numbers = numbersOf(await readStats(container));
      return Number(numbers.get('cpu.throttling.throttledPeriods') ?? numbers.get('cpu.nrThrottled'));
    };
    await until('it is throttled', async () => ((await throttled()) > 0 ? true : undefined));
    const free = anyOfValue(packJson(jsonTypeUrls.linuxResources, { cpu: { quota: -1, period: 100_000 } }));
    await container.shim.call(shimMethods.update, { id, resources: free });
    assert.match(await readLimit(container, quota), /^(-1|max)/);
  });
}
