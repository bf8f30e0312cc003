/** berth installed as a service of a live systemd, and containers in systemd's scopes. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { untilTrue } from '../support/until.ts';
import { openBerthDisks } from './lab/berth-disks.ts';
import { configFor, loadHello, type GuestRuntime } from './lab/guest-berth.ts';
import { shareVm } from './lab/share-vm.ts';

const runtimes: readonly GuestRuntime[] = ['runc', 'crun'].map((program) => ({
  name: `${program}-scope`,
  shim: 'io.containerd.berth.v1',
  program,
  systemdCgroup: true,
}));
const patience = 170_000;

const machine = shareVm(async () => ({
  init: 'systemd',
  memory: 1024,
  disks: await openBerthDisks(),
  files: { '/etc/berth/config.toml': configFor(runtimes) },
  prepare: async (vm) => {
    await vm.mustRun(['/opt/berth/bin/berth', 'system', 'install']);
    await loadHello(vm);
  },
}));

test('berth system install starts berthd as a service, which says when it is ready and where it listens', async () => {
  const vm = await machine();
  assert.equal(
    (await vm.run(['systemctl', 'is-enabled', 'berth.service', 'berth.socket'])).stdout,
    'enabled\nenabled\n',
  );
  const shown = await vm.mustRun([
    'systemctl',
    'show',
    '-p',
    'ActiveState,SubState,StatusText,NRestarts',
    'berth.service',
  ]);
  assert.match(shown, /ActiveState=active\nSubState=running/);
  assert.match(shown, /NRestarts=0/);
  assert.match(await vm.mustRun(['systemctl', 'show', '-p', 'Listen', 'berth.socket']), /docker\.sock \(Stream\)/);
});

for (const runtime of runtimes)
  test(`${runtime.name}: a container is a scope of systemd's with its limits, and is gone at the end`, async () => {
    const vm = await machine();
    const { name } = runtime;
    const words = ['--network', 'none', '--runtime', name, '--name', name, '-m', '64m', '--pids-limit', '20'];
    const id = (await vm.mustRun(['berth', 'run', '-d', ...words, 'hello', 'sleep', '1000'])).trim();
    const scope = `berth-${id}.scope`;
    const shown = await vm.mustRun(['systemctl', 'show', '-p', 'ActiveState,ControlGroup', scope]);
    assert.match(shown, /ActiveState=active/);
    assert.match(shown, new RegExp(`ControlGroup=/system.slice/${scope}`));
    const pid = (await vm.mustRun(['berth', 'inspect', '-f', '{{.State.Pid}}', name])).trim();
    // crun's processes are in a cgroup below the scope's.
    const cgroup = join('/sys/fs/cgroup', (await vm.read(`/proc/${pid}/cgroup`)).trim().slice('0::'.length));
    assert(cgroup.startsWith(`/sys/fs/cgroup/system.slice/${scope}`), cgroup);
    assert.equal(await vm.mustRun(['cat', `${cgroup}/memory.max`, `${cgroup}/pids.max`]), '67108864\n20\n');
    assert.equal(await vm.mustRun(['berth', 'exec', name, 'echo', 'inside']), 'inside\n');
    const metrics = JSON.parse(
      await vm.mustRun(['berth', 'ctr', 'tasks', 'metrics', '--format', 'json', id]),
    ) as object;
    assert.partialDeepStrictEqual(metrics, { pids: { current: 1, limit: 20 }, memory: { usage_limit: 67_108_864 } });
    await vm.mustRun(['berth', 'rm', '-f', name]);
    assert.match(await vm.mustRun(['systemctl', 'show', '-p', 'ActiveState,LoadState', scope]), /ActiveState=inactive/);
    assert.equal((await vm.run(['test', '-e', cgroup])).code, 1);
  });

test('a container lives on while berthd is stopped, and the socket starts berthd for the next client', async () => {
  const vm = await machine();
  await vm.mustRun(['berth', 'run', '-d', '--network', 'none', '--name', 'stays', 'hello', 'sleep', '1000']);
  const pid = (await vm.mustRun(['berth', 'inspect', '-f', '{{.State.Pid}}', 'stays'])).trim();
  await vm.mustRun(['systemctl', 'stop', 'berth.service']);
  assert.equal((await vm.run(['systemctl', 'is-active', 'berth.service'])).stdout, 'inactive\n');
  assert.equal(await vm.read(`/proc/${pid}/comm`), 'sleep\n');
  assert.match(await vm.mustRun(['berth', 'ps']), /stays/);
  assert.equal((await vm.run(['systemctl', 'is-active', 'berth.service'])).stdout, 'active\n');
  assert.equal((await vm.mustRun(['berth', 'inspect', '-f', '{{.State.Pid}}', 'stays'])).trim(), pid);
});

test('systemd starts a killed berthd again, and its containers are still there', async () => {
  const vm = await machine();
  await vm.mustRun(['systemctl', 'kill', '--kill-whom=main', '-s', 'KILL', 'berth.service']);
  const restarts = async (): Promise<string> =>
    vm.mustRun(['systemctl', 'show', '-p', 'NRestarts,SubState', 'berth.service']);
  await untilTrue(
    'berthd runs again',
    async () => /NRestarts=1\nSubState=running|SubState=running\nNRestarts=1/.test(await restarts()),
    patience,
  );
  assert.equal(await vm.mustRun(['berth', 'exec', 'stays', 'echo', 'still here']), 'still here\n');
  await vm.mustRun(['berth', 'rm', '-f', 'stays']);
});

test('berth system uninstall leaves no unit and no socket', async () => {
  const vm = await machine();
  await vm.mustRun(['/opt/berth/bin/berth', 'system', 'uninstall']);
  assert.match(
    await vm.mustRun(['systemctl', 'show', '-p', 'LoadState', 'berth.service', 'berth.socket']),
    /^LoadState=not-found\n\nLoadState=not-found\n$/,
  );
  assert.equal((await vm.run(['test', '-e', '/run/berth/docker.sock'])).code, 1);
  assert.equal(await vm.shell('pgrep -a berthd || true'), '');
});
