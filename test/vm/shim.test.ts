/** The tests of the shim's cgroups on pure version 2: with runc and crun, which make them or ask systemd for them. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { findPeerTools } from '../support/peer-tools.ts';
import { mustRun } from '../support/run-command.ts';
import { openBerthDisks } from './lab/berth-disks.ts';
import { copyTests, guestTests } from './lab/copy-tests.ts';
import { shareVm } from './lab/share-vm.ts';
import type { Vm } from './lab/start-vm.ts';

const names = ['stats', 'oom', 'limits'];
const repository = resolve(import.meta.dirname, '../..');
const reader = join(repository, 'build/test/cgroup-static');
const debianShim = '/usr/bin/containerd-shim-runc-v2';

const machine = shareVm(async () => {
  const { node } = await openBerthDisks();
  return {
    init: 'systemd',
    memory: 1024,
    disks: { node },
    prepare: (vm) =>
      copyTests(
        vm,
        [...names, 'cgroup'].map((name) => `test/shim/${name}.test.ts`),
      ),
  };
});

/** Runs them in the guest. Those of Debian's shim alone say nothing that they do not say on the host. */
async function runTests(vm: Vm, files: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const node = ['/opt/node/bin/node', '--test', '--test-isolation=none', '--test-reporter=spec'];
  const skipped = `--test-skip-pattern=under ${debianShim}`;
  const tests = files.map((name) => `${guestTests}/${name}.test.js`);
  const options = { directory: guestTests, env, timeoutMs: 280_000 };
  const { code, stdout, stderr } = await vm.run([...node, skipped, ...tests], options);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^ℹ pass [1-9]/m);
  assert.match(stdout, /^ℹ fail 0$/m);
}

for (const [runtime, cgroups] of [
  ['runc', 'fs'],
  ['crun', 'systemd'],
] as const)
  test(`counters, limits, freezer and kills for want of memory, with ${runtime} and cgroups of ${cgroups}`, async () => {
    const vm = await machine();
    await runTests(vm, names, { BERTH_TEST_OCI_RUNTIME: runtime, BERTH_TEST_CGROUPS: cgroups });
    const left = await vm.shell('cd /sys/fs/cgroup; ls -d test-* system.slice/test-* 2>/dev/null || true');
    assert.equal(left, '', 'no cgroup is left');
  });

test('a cgroup of version 2 is found, also below a part of its hierarchy and in a cgroup namespace', async () => {
  const vm = await machine();
  await mustRun('make', ['-s', '-C', join(repository, 'native'), reader], { timeoutMs: 300_000 });
  await vm.copyIn(reader, '/opt/reader');
  await runTests(vm, ['cgroup'], { BERTH_TEST_CGROUP_READER: '/opt/reader/cgroup-static' });
});

const tools = findPeerTools();

test("every counter is what containerd 2's shim reads", { skip: tools.skip }, async () => {
  const vm = await machine();
  const shim = '/opt/peers/containerd-shim-runc-v2';
  await vm.copyIn(tools.path('containerd-shim-runc-v2'), '/opt/peers');
  await runTests(vm, ['stats'], { BERTH_TEST_FOREIGN_SHIM: shim });
});
