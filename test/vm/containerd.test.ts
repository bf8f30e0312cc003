/** Our shim under Debian's containerd 1.6, on pure cgroup v2 with scopes of systemd's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeHelloArchive } from '../support/hello-image.ts';
import { untilTrue } from '../support/until.ts';
import { openBerthDisks } from './lab/berth-disks.ts';
import { shareVm } from './lab/share-vm.ts';

const shim = '/opt/berth/dist/containerd-shim-berth-v1';
const patience = 170_000;

const machine = shareVm(async () => ({
  init: 'systemd',
  memory: 768,
  disks: await openBerthDisks(),
  prepare: async (vm) => {
    // ctr takes options of runc's only for containerd's own shim: that name is ours here.
    await vm.mustRun(['ln', '-s', shim, '/usr/local/bin/containerd-shim-runc-v2']);
    await vm.mustRun(['systemctl', 'start', 'containerd.service']);
    await vm.mustRun(['ctr', 'images', 'import', '-'], { input: await makeHelloArchive() });
  },
}));

const image = 'docker.io/library/hello:latest';
const run = (runtime: string, name: string): readonly string[] =>
  ['ctr', 'run', '-d', '--runc-binary', runtime, '--runc-systemd-cgroup'].concat([
    '--cgroup',
    `machine.slice:stock:${name}`,
    '--memory-limit',
    '25165824',
    image,
    name,
  ]);

for (const runtime of ['runc', 'crun'])
  test(`ctr run by our shim with ${runtime}: scope, counters, pause, and life over a restart of containerd`, async () => {
    const vm = await machine();
    const name = `web-${runtime}`;
    const ctr = (...words: readonly string[]): Promise<string> => vm.mustRun(['ctr', 'tasks', ...words]);
    await vm.mustRun([...run(runtime, name), 'sleep', '1000']);
    const pid = new RegExp(`^${name} +(\\d+)`, 'm').exec(await ctr('ls'))?.[1];
    assert.match(await vm.shell(`readlink /proc/$(ps -o ppid= -p ${pid} | tr -d ' ')/exe`), /containerd-shim-berth-v1/);
    const scope = `stock-${name}.scope`;
    assert.match(await vm.mustRun(['systemctl', 'show', '-p', 'ActiveState', scope]), /=active/);
    assert.match(await ctr('metrics', name), /memory\.usage_limit +25165824/);
    await ctr('pause', name);
    assert.match(await ctr('ls'), new RegExp(`${name} +\\d+ +PAUSED`));
    await ctr('resume', name);
    await vm.mustRun(['systemctl', 'restart', 'containerd.service']);
    assert.equal(await ctr('exec', '--exec-id', 'x', name, 'echo', 'still here'), 'still here\n');
    await ctr('kill', '-s', 'KILL', name);
    await untilTrue('the task has ended', async () => /STOPPED/.test(await ctr('ls')), patience);
    await ctr('delete', name).catch(() => {});
    await vm.mustRun(['ctr', 'containers', 'delete', name]);
    assert.match(await vm.mustRun(['systemctl', 'show', '-p', 'ActiveState', scope]), /=inactive/);
  });

test('a kill for want of memory is an event of containerd', async () => {
  const vm = await machine();
  await vm.shell('ctr events >/tmp/events 2>&1 & disown; sleep 1');
  await vm.mustRun([...run('runc', 'hungry'), 'tail', '/dev/zero']);
  await untilTrue(
    'the event of its end',
    async () => /\/tasks\/exit .*hungry/.test(await vm.read('/tmp/events')),
    patience,
  );
  const events = await vm.read('/tmp/events');
  assert.match(events, /\/tasks\/oom .*hungry/);
  assert.match(events, /\/tasks\/exit .*"exit_status":137/);
  assert.ok(events.indexOf('/tasks/oom') < events.indexOf('/tasks/exit'), 'the reason comes before the end');
});
