/** The current nerdctl against berthd: images, containers, logs, restarts, and its own CNI networks. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newToken } from '#/base/ids.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { openNetworkNamespace, type NetworkNamespace } from '../support/network-namespace.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { mustRun, runCommand, type CommandResult } from '../support/run-command.ts';
import { until, untilTrue } from '../support/until.ts';

const tools = findPeerTools();
const { skip } = tools;
const open = new AsyncDisposableStack();
/** Names a cgroup as well. */
const namespace = `nerdctl-${newToken(3)}`;
let network: NetworkNamespace;
let daemon: Berthd;
let registry: TestRegistry;
let image: string;

const inside = (file: string, args: readonly string[]): Promise<CommandResult> => {
  const [launcher = '', ...words] = [...network.launcher, file, ...args];
  return runCommand(launcher, words, { env: { NERDCTL_TOML: join(daemon.directory, 'nerdctl.toml') } });
};

const tryNerdctl = (...args: string[]): Promise<CommandResult> => {
  const place = (name: string): string => join(daemon.directory, name);
  const flags = ['--address', daemon.address, '--namespace', namespace, '--data-root', place('nerdctl')];
  const cni = ['--cni-path', '/usr/lib/cni', '--cni-netconfpath', place('cni')];
  const more = ['--hosts-dir', place('hosts'), '--insecure-registry', '--cgroup-manager', 'cgroupfs'];
  return inside(tools.path('nerdctl'), [...flags, ...cni, ...more, ...args]);
};

async function nerdctl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tryNerdctl(...args);
  assert.equal(code, 0, `nerdctl ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

before(async () => {
  if (skip !== false) return;
  open.defer(() => removeNamedCgroup(namespace));
  network = open.use(await openNetworkNamespace());
  daemon = open.use(await startBerthd([], { launcher: network.launcher }));
  registry = open.use(await startRegistry(network.launcher));
  image = `${registry.host}/hello:latest`;
  await writeFile(join(daemon.directory, 'nerdctl.toml'), '');
  await mkdir(join(daemon.directory, 'cni'));
  const archive = join(daemon.directory, 'hello.tar');
  await writeFile(archive, await makeHelloArchive());
  const target = ['--dest-tls-verify=false', `docker-archive:${archive}`, `docker://${image}`];
  const { code, stderr } = await inside('skopeo', ['copy', '--quiet', ...target]);
  assert.equal(code, 0, stderr);
});

after(() => open.disposeAsync());

test('nerdctl info knows the daemon and its snapshotters', { skip }, async () => {
  assert.match(await nerdctl('info'), /Storage Driver: overlayfs[\s\S]*Storage: .*native/);
});

test('nerdctl pull fetches from a registry, and images lists it', { skip }, async () => {
  await nerdctl('pull', '--quiet', image);
  const format = '{{.Repository}} {{.Tag}} {{.Platform}}';
  assert.match(await nerdctl('images', '--format', format), new RegExp(`^${registry.host}/hello latest linux/`, 'm'));
  const inspected = await nerdctl('image', 'inspect', '--format', '{{.RepoTags}} {{.Os}}', image);
  assert.equal(inspected, `[${image}] linux\n`);
  assert.match(await nerdctl('history', image), /busybox-static/);
});

test('nerdctl run gives output and exit codes, with the host’s network', { skip }, async () => {
  const script = 'echo out; echo err >&2; sleep 0.3; exit 7';
  const result = await tryNerdctl('run', '--rm', '--net', 'host', image, 'sh', '-c', script);
  assert.deepEqual([result.code, result.stdout, result.stderr], [7, 'out\n', 'err\n']);
  assert.equal(await nerdctl('ps', '-aq'), '');
});

test('a detached container is listed, inspected, execed into, logged and measured', { skip }, async () => {
  const script = 'echo started; echo complaint >&2; exec sleep 1000';
  await nerdctl('run', '-d', '--name', 'box', '--net', 'host', '-e', 'A=1', image, 'sh', '-c', script);
  assert.equal(await nerdctl('ps', '--format', '{{.Names}} {{.Status}}'), 'box Up\n');
  await untilTrue('a line in the log', async () => (await nerdctl('logs', 'box')) === 'started\n');
  assert.equal((await tryNerdctl('logs', 'box')).stderr, 'complaint\n');
  const exec = await tryNerdctl('exec', 'box', 'sh', '-c', 'echo inside $A; sleep 0.3; exit 5');
  assert.deepEqual([exec.code, exec.stdout], [1, 'inside 1\n']);
  assert.match(exec.stderr, /exec failed with exit code 5/);
  const format = '{{.State.Status}} {{.Config.Image}}';
  assert.equal(await nerdctl('inspect', '--format', format, 'box'), `running ${image}\n`);
  assert.match(await nerdctl('top', 'box'), /sleep 1000/);
  assert.match(await nerdctl('stats', '--no-stream', 'box'), /box .* [1-9]\n/);
});

test('it is paused, stopped, started, restarted, renamed, killed and removed', { skip }, async () => {
  const status = (): Promise<string> => nerdctl('inspect', '--format', '{{.State.Status}}', 'box');
  await nerdctl('pause', 'box');
  assert.equal(await status(), 'paused\n');
  await nerdctl('unpause', 'box');
  await nerdctl('stop', '-t', '1', 'box');
  assert.equal(await status(), 'exited\n');
  await nerdctl('start', 'box');
  await nerdctl('restart', '-t', '1', 'box');
  assert.equal(await status(), 'running\n');
  await nerdctl('rename', 'box', 'crate');
  const waiting = nerdctl('wait', 'crate');
  await untilTrue('a kill', async () => (await tryNerdctl('kill', 'crate')).code === 0);
  assert.equal(await waiting, '137\n');
  await nerdctl('rm', 'crate');
  assert.equal(await nerdctl('ps', '-aq'), '');
});

test('a container with a restart policy starts again until it is stopped', { skip }, async () => {
  await nerdctl('run', '-d', '--name', 'again', '--restart', 'always', '--net', 'host', image, 'echo', 'turn');
  const turns = async (): Promise<number> => (await nerdctl('logs', 'again')).split('turn').length - 1;
  await untilTrue('a second turn', async () => (await turns()) > 1, 60_000);
  await nerdctl('stop', 'again');
  await nerdctl('rm', '-f', 'again');
});

test('nerdctl tag, save, load, push and rmi', { skip }, async () => {
  const copy = `${registry.host}/copy:1`;
  await nerdctl('tag', image, copy);
  const archive = join(daemon.directory, 'saved.tar');
  await nerdctl('save', '-o', archive, copy);
  assert.match(await mustRun('tar', ['tf', archive]), /^index\.json$[\s\S]*^manifest\.json$/m);
  await nerdctl('rmi', copy);
  assert.notEqual((await tryNerdctl('image', 'inspect', copy)).code, 0);
  assert.match(await nerdctl('load', '-i', archive), /copy:1/);
  await nerdctl('push', '--quiet', copy);
  const pushed = await inside('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${copy}`]);
  const original = await inside('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${image}`]);
  assert.deepEqual(pushed, original);
  await nerdctl('rmi', copy);
  await nerdctl('pull', '--quiet', copy);
  assert.equal(await nerdctl('run', '--rm', '--net', 'none', copy, 'sh', '-c', 'echo back; sleep 0.3'), 'back\n');
  await nerdctl('rmi', copy);
});

test('volumes are shared and survive', { skip }, async () => {
  await nerdctl('volume', 'create', 'shared');
  const within = ['run', '--rm', '--net', 'none', '-v', 'shared:/data', image, 'sh', '-c'];
  await nerdctl(...within, 'echo kept > /data/file');
  assert.equal(await nerdctl(...within, 'cat /data/file; sleep 0.3'), 'kept\n');
  await nerdctl('volume', 'rm', 'shared');
});

test(
  'containers on a network of nerdctl’s own reach each other by name, and the host by a port',
  { skip },
  async () => {
    await nerdctl('network', 'create', '--subnet', '10.77.0.0/24', 'inner');
    assert.match(await nerdctl('network', 'ls'), /inner/);
    const serve = 'while true; do echo served | nc -l -p 80; done';
    await nerdctl('run', '-d', '--name', 'server', '--net', 'inner', '-p', '8088:80', image, 'sh', '-c', serve);
    assert.match(await nerdctl('port', 'server'), /80\/tcp -> 0\.0\.0\.0:8088/);
    const ask = 'ping -c 1 server | grep -c " 0% packet loss"; nc server 80; sleep 0.3';
    assert.equal(await nerdctl('run', '--rm', '--net', 'inner', image, 'sh', '-c', ask), '1\nserved\n');
    const answer = await until('an answer on the published port', async () => {
      const { stdout } = await inside('busybox', ['nc', '127.0.0.1', '8088']);
      return stdout === '' ? undefined : stdout;
    });
    assert.equal(answer, 'served\n');
    await nerdctl('rm', '-f', 'server');
    await nerdctl('network', 'rm', 'inner');
    assert.match(await nerdctl('run', '--rm', image, 'sh', '-c', 'ip addr show eth0; sleep 0.3'), /inet 10\./);
  },
);

test('a container goes on while berthd restarts, and is nerdctl’s again after', { skip }, async () => {
  await nerdctl('run', '-d', '--name', 'steady', '--net', 'none', image, 'sh', '-c', 'echo before; exec sleep 1000');
  const pid = await nerdctl('inspect', '--format', '{{.State.Pid}}', 'steady');
  await daemon.crash();
  await daemon.start();
  assert.equal(await nerdctl('inspect', '--format', '{{.State.Pid}}', 'steady'), pid);
  assert.equal((await tryNerdctl('exec', 'steady', 'sh', '-c', 'echo still; sleep 0.3')).stdout, 'still\n');
  await nerdctl('rm', '-f', 'steady');
  assert.equal(await nerdctl('ps', '-aq'), '');
});
