import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { startJourney } from '../support/journey.ts';
import { startBerthd } from '../support/berthd.ts';
import { untilTrue } from '../support/until.ts';

const run = promisify(execFile);
const repository = resolve(import.meta.dirname, '../..');
const daemon = join(repository, 'src/daemon/main.ts');

test("a node's whole configuration of containerd 2.2 starts a berthd, and more sockets serve the same", async () => {
  await using places = await mkdtempDisposable(join(tmpdir(), 'places-'));
  const more = join(places.path, 'containerd.sock');
  const docker = join(places.path, 'docker.sock');
  const config = join(places.path, 'config.toml');
  const node = join(repository, 'src/daemon/config/fixtures/node-2.2.toml');
  await writeFile(
    config,
    `version = 4\nimports = ["${node}"]\nmistake = 1\n[berth.listen]\ngrpc = ["${more}"]\ndocker = ["${docker}"]\n`,
  );
  const address = join(places.path, 'main.sock');
  await using berthd = await startBerthd(['-c', config, '--address', address]);
  for (const socket of [address, more]) {
    const { stdout } = await run('ctr', ['--address', socket, 'version']);
    assert.match(stdout, /Server:\s+Version:\s+v0/);
    assert.equal((await stat(`${socket}.ttrpc`)).mode & 0o777, 0o660);
  }
  const { stdout } = await run('curl', ['-sS', '--unix-socket', docker, 'http://d/_ping']);
  assert.equal(stdout, 'OK');
  const log = await berthd.log();
  assert.match(log, /not known and has no effect" key=mistake/);
  assert.match(log, /not followed by berth" keys=\S*pinned_images/);
});

test('parts that the configuration leaves out are not there, and without those that it requires nothing starts', async () => {
  await using places = await mkdtempDisposable(join(tmpdir(), 'places-'));
  const config = join(places.path, 'config.toml');
  const left = ['io.containerd.snapshotter.v1.native', 'io.containerd.grpc.v1.transfer', 'io.containerd.grpc.v1.cri'];
  const write = (required: string): Promise<void> =>
    writeFile(config, `version = 3\ndisabled_plugins = ${JSON.stringify(left)}\nrequired_plugins = ["${required}"]\n`);
  await write('io.containerd.snapshotter.v1.overlayfs');
  await using berthd = await startBerthd(['-c', config]);
  const { stdout } = await run('ctr', ['--address', berthd.address, 'plugins', 'ls']);
  assert.match(stdout, /overlayfs/);
  assert.doesNotMatch(stdout, /native|transfer/);
  await berthd.stop();
  await write('io.containerd.snapshotter.v1.native');
  await assert.rejects(berthd.start(), /requires parts that are not there: "io\.containerd\.snapshotter\.v1\.native"/);
});

test("containerd's own root is refused before anything in it is touched", async () => {
  const prepare = async (directory: string): Promise<void> => {
    const theirs = join(directory, 'root', 'io.containerd.metadata.v1.bolt');
    await mkdir(theirs, { recursive: true });
    await writeFile(join(theirs, 'meta.db'), '');
  };
  await assert.rejects(startBerthd([], { prepare }), /it is containerd's/);
});

test('a state directory with tasks that a new root cannot know is refused', async () => {
  const bundle = join('run', 'io.containerd.runtime.v2.task', 'k8s.io', 'theirs');
  const prepare = async (directory: string): Promise<void> => {
    await mkdir(join(directory, bundle), { recursive: true });
    await writeFile(join(directory, bundle, 'config.json'), '{}');
  };
  await assert.rejects(startBerthd([], { prepare }), /which is new, cannot know them/);
});

test('SIGINT stops berthd as SIGTERM does', async () => {
  await using berthd = await startBerthd();
  const { pid } = berthd;
  process.kill(pid, 'SIGINT');
  await untilTrue('it is gone', async () => !existsSync(`/proc/${pid}`));
  assert.match(await berthd.log(), /berthd stops.*signal=SIGINT/);
  assert.equal(await berthd.stop(), 0);
});

test('berthd enters the cgroup and takes the OOM score that the configuration names', async () => {
  const name = `berthd-${randomBytes(4).toString('hex')}`;
  try {
    await using places = await mkdtempDisposable(join(tmpdir(), 'places-'));
    const config = join(places.path, 'config.toml');
    await writeFile(config, `version = 3\noom_score = 100\n[cgroup]\npath = "/${name}"\n`);
    await using berthd = await startBerthd(['-c', config]);
    assert.match(await readFile(`/proc/${berthd.pid}/cgroup`, 'utf8'), new RegExp(`:.*/${name}$`, 'm'));
    assert.equal((await readFile(`/proc/${berthd.pid}/oom_score_adj`, 'utf8')).trim(), '100');
  } finally {
    await removeNamedCgroup(name);
  }
});

test("Docker's API runs containers by the runtimes that the configuration names, and refuses others", async () => {
  await using places = await mkdtempDisposable(join(tmpdir(), 'places-'));
  const [config, program, log] = ['config.toml', 'traced', 'log'].map((name) => join(places.path, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(program, `#!/bin/sh\necho "$@" >>${log}\nexec runc "$@"\n`, { mode: 0o755 });
  const section = 'plugins."io.containerd.grpc.v1.cri".containerd.runtimes.traced';
  await writeFile(config, `version = 2\n[${section}]\n[${section}.options]\nBinaryName = "${program}"\n`);
  await using journey = await startJourney(['-c', config]);
  const { containers } = journey.client;
  const wish = (Runtime: string) => ({
    Image: 'hello',
    Cmd: ['true'],
    HostConfig: { NetworkMode: 'none', Runtime },
  });
  const { Id } = await containers.create(wish('traced'));
  await containers.start(Id);
  await untilTrue('it has run', async () => (await containers.inspect(Id)).State.Status === 'exited');
  assert.match(await readFile(log, 'utf8'), new RegExp(`start ${Id}`));
  await containers.remove(Id);
  await assert.rejects(containers.create(wish('other')), {
    message: /runtime "other": unknown or invalid runtime name; there are runc, .*traced/,
  });
});

test('berthd publish hands an event in, as shims do', async () => {
  await using berthd = await startBerthd();
  const events = spawn('ctr', ['--address', berthd.address, 'events'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let heard = '';
    events.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    // A TaskOOM of "c1": field 1 of the event within an Any.
    const name = 'containerd.events.TaskOOM';
    const event = Buffer.concat([
      Buffer.from([10, name.length]),
      Buffer.from(name),
      Buffer.from([18, 4, 10, 2]),
      Buffer.from('c1'),
    ]);
    await untilTrue('the event is heard', async () => {
      const words = ['--address', berthd.address, 'publish', '--topic', '/tasks/oom', '--namespace', 'k8s.io'];
      const { status, stderr } = spawnSync(process.execPath, [daemon, ...words], { input: event, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return heard !== '';
    });
    assert.match(heard, /k8s\.io \/tasks\/oom \{"container_id":"c1"\}/);
  } finally {
    events.kill();
    await once(events, 'close');
  }
});

test('sockets that a service manager opened are served, and stay when berthd goes', async () => {
  await using places = await mkdtempDisposable(join(tmpdir(), 'places-'));
  const directory = places.path;
  const [state, docker] = [join(directory, 'run'), join(directory, 'docker.sock')];
  const manager = `
    use IO::Socket::UNIX; use Fcntl;
    my $socket = IO::Socket::UNIX->new(Local => shift @ARGV, Listen => 5) or die;
    fcntl($socket, F_SETFD, 0);
    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 1, 'docker');
    exec @ARGV;`;
  const words = ['--root', join(directory, 'root'), '--state', state, '--docker-address', docker];
  const child = spawn('perl', ['-e', manager, docker, process.execPath, daemon, ...words], { stdio: 'ignore' });
  try {
    await untilTrue('the socket is there', async () => existsSync(docker));
    const { stdout } = await run('curl', [
      '-sS',
      '--max-time',
      '30',
      '--retry',
      '5',
      '--retry-connrefused',
      '--unix-socket',
      docker,
      'http://d/_ping',
    ]);
    assert.equal(stdout, 'OK');
  } finally {
    child.kill();
    await once(child, 'exit');
  }
  assert((await stat(docker)).isSocket());
});
