/** Debian's dockerd starts its own containerd: here that is berthd, under containerd's name and with dockerd's file. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { processesOf, removeEverything } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { openNetworkNamespace } from '../support/network-namespace.ts';
import { runCommand } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

const launcherPath = resolve(import.meta.dirname, '../../bin/berthd');

test('dockerd starts berthd as its containerd, with a configuration of its own making, and stops it', async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'ds-'));
  stack.defer(() => removeEverything(directory));
  const { launcher } = stack.use(await openNetworkNamespace());
  const place = (name: string): string => join(directory, name);
  await mkdir(place('bin'));
  await symlink(launcherPath, place('bin/containerd'));
  const host = `unix://${place('d.sock')}`;
  const places = ['--data-root', place('data'), '--exec-root', place('run'), '--pidfile', place('pid'), '--host', host];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'];
  const [file = 'dockerd', ...words] = [...launcher, 'dockerd', ...places, ...network];
  const log = await open(place('log'), 'a');
  const dockerd = spawn(file, words, {
    stdio: ['ignore', log.fd, log.fd],
    env: { ...process.env, PATH: `${place('bin')}:${process.env['PATH'] ?? ''}` },
  });
  await log.close();
  const ended = once(dockerd, 'exit');
  stack.defer(async () => {
    dockerd.kill('SIGKILL');
    await ended;
  });
  const docker = (args: readonly string[], input?: Uint8Array) =>
    runCommand('/usr/bin/docker', ['--host', host, ...args], input === undefined ? {} : { input });
  await untilTrue('dockerd', async () => (await docker(['version'])).code === 0, 30_000);
  const { stdout: components } = await docker(['version', '--format', '{{json .Server.Components}}']);
  assert.match(components, /"containerd","Version":"v?0\./);
  assert.equal((await docker(['load', '--quiet'], await makeHelloArchive())).code, 0);
  const ran = await docker(['run', '--rm', '--network', 'none', 'hello', 'echo', 'hi']);
  assert.deepEqual(ran, { code: 0, stdout: 'hi\n', stderr: '' }, await readFile(place('log'), 'utf8'));
  dockerd.kill('SIGTERM');
  await ended;
  assert.match(await readFile(place('log'), 'utf8'), /berthd stops; containers run on/);
  await untilTrue('nothing of it is left', async () => (await processesOf(directory)).length === 0);
});
