/** The lab itself: what a test can rely on in the machine that it gets. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mustRun } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';
import { shareVm } from './lab/share-vm.ts';
import { startVm } from './lab/start-vm.ts';

const machine = shareVm({ files: { '/etc/hello': 'from the start\n' } });

test('run() tells exit code, signal and both streams apart', async () => {
  const vm = await machine();
  assert.deepEqual(await vm.run(['sh', '-c', 'echo out; echo err >&2; exit 3']), {
    code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  });
  assert.equal((await vm.run(['sh', '-c', 'kill -9 $$'])).code, 137);
  const { code, stderr } = await vm.run(['no-such-program']);
  assert.equal(code, 127);
  assert.match(stderr, /cannot run no-such-program/);
});
test('run() gives input, settings and a directory, and runs many at once', async () => {
  const vm = await machine();
  const big = Buffer.alloc(3_000_000, 'berth ');
  const [copy, where] = await Promise.all([
    vm.mustRun(['cat'], { input: big }),
    vm.mustRun(['sh', '-c', 'echo $PWD $COLOUR'], { directory: '/usr/bin', env: { COLOUR: 'blue' } }),
    vm.run(['true'], { input: big }),
  ]);
  assert.equal(copy, big.toString());
  assert.equal(where, '/usr/bin blue\n');
});
test('run() does not wait for what a command leaves in the background', async () => {
  const vm = await machine();
  assert.equal(
    await vm.shell('sleep 1000 & echo $!; disown').then((pid) => vm.mustRun(['cat', `/proc/${pid.trim()}/comm`])),
    'sleep\n',
  );
});
test('run() kills what takes too long, and says what it said', async () => {
  const vm = await machine();
  await assert.rejects(vm.run(['sh', '-c', 'echo so far; sleep 1000'], { timeoutMs: 1500 }), /took too long.*so far/s);
});
test('files go in and out with their modes', async () => {
  const vm = await machine();
  const directory = await mkdtemp(join(tmpdir(), 'vm-'));
  try {
    assert.equal(await vm.read('/etc/hello'), 'from the start\n');
    await writeFile(join(directory, 'tool'), '#!/bin/sh\necho works\n', { mode: 0o750 });
    await vm.copyIn(join(directory, 'tool'), '/opt/tools');
    assert.equal(await vm.mustRun(['/opt/tools/tool']), 'works\n');
    await vm.shell('echo changed >/opt/tools/other');
    await vm.copyOut('/opt/tools', directory);
    assert.equal(await readFile(join(directory, 'tools/other'), 'utf8'), 'changed\n');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
test('a machine ends with the process that started it, also when that is killed', async () => {
  const start = `import { startVm } from ${JSON.stringify(join(import.meta.dirname, 'lab/start-vm.ts'))};
    const vm = await startVm({ memory: 256 }); console.log(vm.pid); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', start], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    assert.match(await readFile(`/proc/${pid}/cmdline`, 'utf8'), /^qemu-system-x86_64/);
    child.kill('SIGKILL');
    await untilTrue('the machine is gone', async () => !existsSync(`/proc/${pid}`), 60_000);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a cut of power loses what was not synced, and keeps what was', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vm-'));
  try {
    const image = join(directory, 'image');
    await mustRun('truncate', ['-s', '64M', image]);
    await mustRun('mkfs.ext4', ['-q', image]);
    const options = { memory: 256, disks: { data: { path: image, writable: true, at: '/data' } } };
    {
      await using first = await startVm(options);
      await first.shell('cd /data; echo one >kept; sync; echo two >lost');
      await first.cutPower();
      await assert.rejects(first.run(['true']), /has ended/);
    }
    await using second = await startVm(options);
    assert.equal(await second.mustRun(['ls', '/data']), 'kept\nlost+found\n');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
