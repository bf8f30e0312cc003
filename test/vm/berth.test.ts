/** berth on pure cgroup v2: limits, counters, kills for want of memory, under each shim and OCI runtime. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBerthDisks } from './lab/berth-disks.ts';
import { startGuestBerthd, type GuestRuntime } from './lab/guest-berth.ts';
import { shareVm } from './lab/share-vm.ts';

const runtimes: readonly GuestRuntime[] = [
  { name: 'runc-by-our-shim', shim: 'io.containerd.berth.v1', program: 'runc' },
  { name: 'crun-by-our-shim', shim: 'io.containerd.berth.v1', program: 'crun' },
  { name: 'runc-by-its-shim', shim: 'io.containerd.runc.v2', program: 'runc' },
];

const machine = shareVm(async () => ({
  memory: 1024,
  disks: await openBerthDisks(),
  prepare: (vm) => startGuestBerthd(vm, runtimes),
}));

const run = ({ name }: GuestRuntime, ...words: readonly string[]): readonly string[] =>
  ['berth', 'run', '--network', 'none', '--runtime', name].concat(words);

for (const runtime of runtimes) {
  const { name } = runtime;
  test(`${name}: limits, counters and pause of a container are those of its cgroup v2`, async () => {
    const vm = await machine();
    const limits = ['-m', '64m', '--cpus', '0.5', '--pids-limit', '20'];
    const id = (await vm.mustRun(run(runtime, '-d', '--name', name, ...limits, 'hello', 'sleep', '1000'))).trim();
    const cgroup = `/sys/fs/cgroup/berth/${id}`;
    assert.equal(await vm.read(`${cgroup}/memory.max`), '67108864\n');
    assert.equal(await vm.read(`${cgroup}/cpu.max`), '50000 100000\n');
    assert.equal(await vm.read(`${cgroup}/pids.max`), '20\n');
    const metrics = JSON.parse(
      await vm.mustRun(['berth', 'ctr', 'tasks', 'metrics', '--format', 'json', id]),
    ) as object;
    assert.partialDeepStrictEqual(metrics, { pids: { current: 1, limit: 20 }, memory: { usage_limit: 67_108_864 } });
    assert('cpu' in metrics && Object(metrics.cpu).usage_usec > 0, 'as cgroup v2 counts it');
    await vm.mustRun(['berth', 'pause', name]);
    assert.match(await vm.read(`${cgroup}/cgroup.events`), /frozen 1/);
    await vm.mustRun(['berth', 'unpause', name]);
    assert.match(await vm.read(`${cgroup}/cgroup.events`), /frozen 0/);
    await vm.mustRun(['berth', 'rm', '-f', name]);
    assert.equal((await vm.run(['test', '-e', cgroup])).code, 1, 'the cgroup is gone');
  });

  test(`${name}: a container that takes more memory than it may ends with 137, and is known as killed for it by our shim`, async () => {
    const vm = await machine();
    const hungry = `hungry-${name}`;
    const { code } = await vm.run(run(runtime, '--name', hungry, '-m', '24m', 'hello', 'tail', '/dev/zero'));
    assert.equal(code, 137);
    const [{ State }] = JSON.parse(await vm.mustRun(['berth', 'inspect', hungry])) as [{ State: object }];
    // containerd's shim tells of it by a second thread, which may be later than the end.
    const known = runtime.shim === 'io.containerd.runc.v2' ? {} : { OOMKilled: true };
    assert.partialDeepStrictEqual(State, { Status: 'exited', ExitCode: 137, ...known });
    await vm.mustRun(['berth', 'rm', hungry]);
  });
}

test('berth leaves no cgroup, no mount and no shim of containers that are gone', async () => {
  const vm = await machine();
  assert.equal(await vm.shell('cd /sys/fs/cgroup; ls -d berth/*/ 2>/dev/null || true'), '');
  assert.doesNotMatch(await vm.read('/proc/mounts'), /\/rootfs /);
  assert.equal(await vm.shell('pgrep -a ^containerd-shim || true'), '');
});
