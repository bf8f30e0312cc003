/** Debian's dockerd on berthd instead of containerd, driven by Debian's docker. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open as openFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newToken } from '#/base/ids.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { openNetworkNamespace } from '../support/network-namespace.ts';
import { mustRun, runCommand, type CommandOptions, type CommandResult } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

const open = new AsyncDisposableStack();
const cgroup = `docker-${newToken(3)}`;
let berthd: Berthd;
let launcher: readonly string[];
let dockerd: ChildProcess | undefined;

const place = (name: string): string => join(berthd.directory, 'docker', name);
const host = (): string => `unix://${place('docker.sock')}`;
const docker = (...args: string[]): Promise<string> => mustRun('/usr/bin/docker', ['--host', host(), ...args]);
const tryDocker = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  runCommand('/usr/bin/docker', ['--host', host(), ...args], options);
const status = (name: string): Promise<string> => docker('inspect', '--format', '{{.State.Status}}', name);

async function startDockerd(): Promise<void> {
  const places = ['--data-root', place('data'), '--exec-root', place('exec'), '--pidfile', place('pid')];
  const own = ['--host', host(), '--config-file', place('daemon.json'), '--containerd', berthd.address];
  const names = ['--containerd-namespace', 'moby', '--containerd-plugins-namespace', 'plugins.moby'];
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'];
  const [file, ...words] = [
    ...launcher,
    'dockerd',
    ...places,
    ...own,
    ...names,
    ...network,
    '--live-restore',
    '--cgroup-parent',
    `/${cgroup}`,
  ];
  const log = await openFile(place('log'), 'a');
  dockerd = spawn(file, words, { stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  await untilTrue('dockerd', async () => (await tryDocker(['version'])).code === 0, 30_000).catch(
    async (error: unknown) => {
      throw new Error(`dockerd does not answer; its log:\n${await readFile(place('log'), 'utf8')}`, { cause: error });
    },
  );
}

async function stopDockerd(signal: NodeJS.Signals): Promise<void> {
  const ending = dockerd;
  dockerd = undefined;
  if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
  const exited = once(ending, 'exit');
  ending.kill(signal);
  await exited;
}

before(async () => {
  open.defer(() => removeNamedCgroup(cgroup));
  ({ launcher } = open.use(await openNetworkNamespace()));
  berthd = open.use(await startBerthd([], { launcher }));
  open.defer(() => stopDockerd('SIGKILL'));
  await mkdir(place('.'), { recursive: true });
  await writeFile(place('daemon.json'), '{}');
  await startDockerd();
  const { code, stderr } = await tryDocker(['load', '--quiet'], { input: await makeHelloArchive() });
  assert.equal(code, 0, stderr);
});

after(() => open.disposeAsync());

const run = (...args: string[]): Promise<CommandResult> => tryDocker(['run', '--network', 'none', ...args]);

test('dockerd finds berthd in containerd’s place', async () => {
  assert.match(await docker('version', '--format', '{{json .Server.Components}}'), /"containerd","Version":"v?0\./);
});

test('docker run gives output, input and exit codes', async () => {
  const result = await run('--rm', 'hello', 'sh', '-c', 'echo out; echo err >&2; exit 7');
  assert.deepEqual(result, { code: 7, stdout: 'out\n', stderr: 'err\n' });
  const input = Buffer.alloc(1_000_000, 'berth\n');
  const counted = await tryDocker(['run', '--rm', '-i', '--network', 'none', 'hello', 'wc', '-c'], { input });
  assert.equal(counted.stdout.trim(), '1000000');
  const missing = await run('--rm', 'hello', 'no-such-program');
  assert.deepEqual([missing.code, /executable file not found/.test(missing.stderr)], [127, true]);
});

test('a file system that docker import made runs', async () => {
  const folder = join(berthd.directory, 'tree');
  await mkdir(join(folder, 'bin'), { recursive: true });
  await mustRun('cp', ['/bin/busybox', join(folder, 'bin/echo')]);
  const archive = join(berthd.directory, 'tree.tar');
  await mustRun('tar', ['-C', folder, '-cf', archive, '.']);
  await docker('import', archive, 'imported:1');
  assert.equal((await run('--rm', 'imported:1', '/bin/echo', 'from an import')).stdout, 'from an import\n');
});

test('a container is execed into, restarted, stopped, paused and logged', async () => {
  await run('-d', '--name', 'box', 'hello', 'sh', '-c', 'echo turn; exec sleep 1000');
  const exec = await tryDocker(['exec', '-i', 'box', 'sh', '-c', 'cat; exit 6'], { input: 'typed\n' });
  assert.deepEqual([exec.code, exec.stdout], [6, 'typed\n']);
  await docker('restart', '--time', '1', 'box');
  await docker('pause', 'box');
  assert.equal(await status('box'), 'paused\n');
  await docker('unpause', 'box');
  await docker('stop', '--time', '1', 'box');
  assert.equal(await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'box'), 'exited 137\n');
  await docker('start', 'box');
  assert.match(await docker('top', 'box'), /sleep 1000/);
  assert.match(await docker('stats', '--no-stream', '--format', '{{.PIDs}} {{.MemUsage}}', 'box'), /^1 [1-9]/);
  assert.equal(await docker('logs', 'box'), 'turn\nturn\nturn\n');
});

test('containers go on while dockerd restarts, and it finds them again', async () => {
  const pid = await docker('inspect', '--format', '{{.State.Pid}}', 'box');
  await stopDockerd('SIGTERM');
  await startDockerd();
  assert.equal(await docker('inspect', '--format', '{{.State.Pid}}', 'box'), pid);
  assert.equal(await docker('exec', 'box', 'echo', 'again'), 'again\n');
  await stopDockerd('SIGKILL');
  await startDockerd();
  assert.equal(await docker('exec', 'box', 'echo', 'and again'), 'and again\n');
});

test('containers go on while berthd restarts beneath dockerd, which is told of what ends after', async () => {
  await run('-d', '--name', 'always', '--restart', 'always', 'hello', 'sleep', '1000');
  const pid = await docker('inspect', '--format', '{{.State.Pid}}', 'box');
  await berthd.crash();
  await berthd.start();
  await untilTrue('an exec', async () => (await tryDocker(['exec', 'box', 'true'])).code === 0, 30_000);
  assert.equal(await docker('inspect', '--format', '{{.State.Pid}}', 'box'), pid);
  assert.equal((await run('--rm', 'hello', 'echo', 'new')).stdout, 'new\n');
  await docker('kill', 'box');
  await untilTrue('the end of box', async () => (await status('box')) === 'exited\n', 30_000);
  const first = await docker('inspect', '--format', '{{.State.Pid}}', 'always');
  process.kill(Number(first), 'SIGKILL');
  await untilTrue(
    'another turn',
    async () => {
      const [state, now] = (await docker('inspect', '--format', '{{.State.Status}} {{.State.Pid}}', 'always')).split(
        ' ',
      );
      return state === 'running' && now !== first;
    },
    30_000,
  );
  await docker('rm', '--force', 'box', 'always');
  assert.equal(await docker('ps', '--all', '--quiet'), '');
});
