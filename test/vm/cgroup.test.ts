/** Debian's runtimes alone on pure cgroup v2: the ground on which the tests of berth stand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareVm } from './lab/share-vm.ts';

const machine = shareVm();

/** A bundle of busybox. */
const makeBundle = `
mkdir -p /tmp/bundle/rootfs/bin; cd /tmp/bundle
cp /bin/busybox rootfs/bin/; ln -sf busybox rootfs/bin/sh
rm -f config.json; runc spec
`;

test('the guest has cgroup v2 and nothing of v1', async () => {
  const vm = await machine();
  assert.equal(await vm.mustRun(['stat', '-f', '-c', '%T', '/sys/fs/cgroup']), 'cgroup2fs\n');
  assert.doesNotMatch(await vm.read('/proc/mounts'), / cgroup /);
  assert.match(await vm.read('/sys/fs/cgroup/cgroup.controllers'), /cpu .*memory .*pids/);
});

for (const runtime of ['runc', 'crun'])
  test(`${runtime} runs a container whose limits stand in cgroup v2's files`, async () => {
    const vm = await machine();
    await vm.shell(makeBundle);
    const spec = JSON.parse(await vm.read('/tmp/bundle/config.json')) as Record<string, Record<string, unknown>>;
    Object.assign(spec['process'] ?? {}, {
      terminal: false,
      args: ['/bin/sh', '-c', 'cd /sys/fs/cgroup; exec busybox cat memory.max pids.max'],
    });
    Object.assign(spec['linux'] ?? {}, {
      cgroupsPath: `/by-hand/${runtime}`,
      resources: { memory: { limit: 33_554_432 }, pids: { limit: 17 } },
    });
    await vm.write('/tmp/bundle/config.json', JSON.stringify(spec));
    const { code, stdout, stderr } = await vm.run([runtime, 'run', '--bundle', '/tmp/bundle', `by-hand-${runtime}`]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '33554432\n17\n');
    assert.equal((await vm.run(['ls', `/sys/fs/cgroup/by-hand/${runtime}`])).code, 2, 'its cgroup is gone');
  });
