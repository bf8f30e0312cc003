/** The real docker CLI against berthd, every command that berth serves. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { startRegistry } from '../support/registry.ts';
import { mustRun, runCommand, type CommandOptions, type CommandResult } from '../support/run-command.ts';

const client = '/usr/bin/docker';
let daemon: Berthd;

const environment = (): Record<string, string> => ({
  DOCKER_HOST: daemon.dockerHost,
  DOCKER_CONFIG: join(daemon.directory, 'docker-config'),
});
const docker = (args: readonly string[], options: CommandOptions = {}): Promise<string> =>
  mustRun(client, args, { ...options, env: environment() });
const tryDocker = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  runCommand(client, args, { ...options, env: environment() });
/** With a terminal, by script(1); each text is typed after a while, as a person would. */
async function onTerminal(command: string, typed: readonly string[] = []): Promise<CommandResult> {
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, ...environment() },
    timeout: 20_000,
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const exited = once(child, 'exit');
  for (const text of typed) {
    await delay(700);
    child.stdin.write(text);
  }
  await exited;
  return { code: child.exitCode, stdout, stderr: '' };
}

before(async () => {
  daemon = await startBerthd();
  await docker(['load', '--quiet'], { input: await makeHelloArchive() });
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
});

const run = (...args: string[]): Promise<CommandResult> => tryDocker(['run', '--network', 'none', ...args]);

test('docker version and info speak to berth', async () => {
  assert.match(await docker(['version', '--format', '{{.Server.Version}} {{.Server.APIVersion}}']), /^0\.1\.0 1\.51/);
  assert.match(await docker(['info', '--format', '{{.Driver}} {{.Swarm.LocalNodeState}}']), /^overlayfs inactive/);
});

test('docker run gives output, errors and exit codes apart', async () => {
  const result = await run('--rm', 'hello', 'sh', '-c', 'echo out; echo err >&2; exit 7');
  assert.deepEqual(result, { code: 7, stdout: 'out\n', stderr: 'err\n' });
});

test('docker run hands standard input on, to its end', async () => {
  const input = Buffer.alloc(3_000_000, 'berth\n');
  const result = await tryDocker(['run', '--rm', '-i', '--network', 'none', 'hello', 'wc', '-c'], { input });
  assert.deepEqual({ ...result, stdout: result.stdout.trim() }, { code: 0, stdout: '3000000', stderr: '' });
});

test('docker run brings large outputs over unharmed', async () => {
  const { code, stdout } = await run('--rm', 'hello', 'seq', '1', '200000');
  assert.equal(code, 0);
  assert.equal(stdout, Array.from({ length: 200_000 }, (_, at) => `${at + 1}\n`).join(''));
});

test('docker run -t has a terminal, -it takes input on it', async () => {
  const { stdout } = await onTerminal('docker run --rm -t --network none hello tty');
  assert.match(stdout, /\/dev\/pts\/0/);
  const typed = await onTerminal('docker run --rm -it --network none hello sh', ['echo $((6*7)); exit 5\n']);
  assert.match(typed.stdout, /42/);
  assert.equal(typed.code, 5);
});

test('docker run tells why it cannot start, with the exit codes of shells', async () => {
  const missing = await run('--rm', 'hello', 'no-such-program');
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /no-such-program/);
  const unrunnable = await run('--rm', 'hello', '/etc/passwd');
  assert.equal(unrunnable.code, 126);
  const refused = await tryDocker(['run', '--rm', '--network', 'web', 'hello', 'true']);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /no networks but "host" and "none" yet/);
  assert.equal(await docker(['ps', '-aq']), '');
});

test('docker run -e -w -u -v --entrypoint --hostname --read-only do what they say', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'bind-'));
  await chmod(dir.path, 0o755);
  await writeFile(join(dir.path, 'in'), 'bound');
  const { stdout } = await run(
    '--rm',
    '-e',
    'A=1',
    '-w',
    '/var',
    '-u',
    'nobody',
    '-v',
    `${dir.path}:/data:ro`,
    '--hostname',
    'boxy',
    '--entrypoint',
    'sh',
    '--read-only',
    'hello',
    '-c',
    'echo $A; pwd; id -u; cat /data/in; echo; hostname; touch /data/x /y 2>&1 | wc -l',
  );
  assert.equal(stdout, '1\n/var\n65534\nbound\nboxy\n2\n');
});

test('docker run limits memory, processes and CPU', async () => {
  const id = (
    await docker([
      'run',
      '-d',
      '--network',
      'none',
      '-m',
      '64m',
      '--pids-limit',
      '50',
      '--cpus',
      '0.5',
      'hello',
      'sleep',
      '60',
    ])
  ).trim();
  const inspected = await docker([
    'inspect',
    '-f',
    '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}} {{.State.Pid}}',
    id,
  ]);
  const [memory, pids, cpus, pid] = inspected.trim().split(' ');
  assert.deepEqual([memory, pids, cpus], ['67108864', '50', '500000000']);
  assert.match(await readFile(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`/berth/${id}`));
  await docker(['rm', '-f', id]);
});

test('docker exec runs processes with their own streams, users and codes', async () => {
  const id = (await docker(['run', '-d', '--network', 'none', 'hello', 'sleep', '60'])).trim();
  assert.deepEqual(await tryDocker(['exec', id, 'sh', '-c', 'echo o; echo e >&2; exit 3']), {
    code: 3,
    stdout: 'o\n',
    stderr: 'e\n',
  });
  assert.equal(await docker(['exec', '-i', id, 'cat'], { input: 'through' }), 'through');
  assert.equal(
    await docker(['exec', '-u', 'nobody', '-w', '/tmp', '-e', 'B=2', id, 'sh', '-c', 'id -u; pwd; echo $B']),
    '65534\n/tmp\n2\n',
  );
  assert.match((await onTerminal(`docker exec -it ${id} tty`)).stdout, /\/dev\/pts/);
  const missing = await tryDocker(['exec', id, 'no-such-program']);
  assert(missing.code === 126 || missing.code === 127, `exit code ${missing.code}`);
  await docker(['exec', '-d', id, 'touch', '/tmp/detached']);
  for (let tries = 0; (await tryDocker(['exec', id, 'test', '-e', '/tmp/detached'])).code !== 0; tries++)
    assert(tries < 50);
  await docker(['rm', '-f', id]);
});

test('docker logs shows what was written, its tail, and follows to the end', async () => {
  const id = (
    await docker([
      'run',
      '-d',
      '--network',
      'none',
      'hello',
      'sh',
      '-c',
      'echo 1; echo 2 >&2; sleep 0.3; echo 3; sleep 1; echo 4',
    ])
  ).trim();
  const followed = await tryDocker(['logs', '-f', id]);
  assert.equal(followed.stdout, '1\n3\n4\n');
  assert.equal(followed.stderr, '2\n');
  assert.equal((await tryDocker(['logs', '--tail', '2', id])).stdout, '3\n4\n');
  assert.match((await tryDocker(['logs', '-t', '--tail', '1', id])).stdout, /^\d{4}-\d\d-\d\dT[\d:.]+Z 4\n$/);
  await docker(['rm', id]);
});

test('docker attach joins a running container and its exit code; detach keys leave it running', async () => {
  await docker(['run', '-dit', '--name', 'tty', '--network', 'none', 'hello', 'sh']);
  const detached = await onTerminal('docker attach tty', ['echo hi\n', '\x10\x11']);
  assert.match(detached.stdout, /hi/);
  assert.equal((await docker(['inspect', '-f', '{{.State.Running}}', 'tty'])).trim(), 'true');
  const ended = await onTerminal('docker attach tty', ['exit 9\n']);
  assert.equal(ended.code, 9);
  await docker(['rm', 'tty']);
});

test('docker ps, inspect, rename, pause, top, stop, start, restart, kill, wait and rm follow a life', async () => {
  const id = (
    await docker([
      'run',
      '-d',
      '--name',
      'life',
      '-l',
      'kind=test',
      '--network',
      'none',
      'hello',
      'sh',
      '-c',
      'trap "exit 4" TERM; sleep 600 & wait',
    ])
  ).trim();
  assert.equal(
    (await docker(['ps', '--format', '{{.Names}} {{.Image}} {{.State}}', '-f', 'label=kind=test'])).trim(),
    'life hello running',
  );
  await docker(['rename', 'life', 'lived']);
  await docker(['pause', 'lived']);
  assert.match(await docker(['ps', '--format', '{{.Status}}']), /\(Paused\)/);
  await docker(['unpause', 'lived']);
  assert.match(await docker(['top', 'lived']), /sleep 600/);
  await docker(['stop', 'lived']);
  assert.equal((await docker(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'lived'])).trim(), 'exited 4');
  await docker(['start', 'lived']);
  await docker(['restart', '-t', '1', 'lived']);
  const waiting = docker(['wait', 'lived']);
  await delay(300);
  await docker(['kill', 'lived']);
  assert.equal((await waiting).trim(), '137');
  await docker(['rm', 'lived']);
  assert.equal((await tryDocker(['inspect', id])).code, 1);
});

test('docker create refuses a taken name, and rm a running container', async () => {
  await docker(['run', '-d', '--name', 'taken', '--network', 'none', 'hello', 'sleep', '60']);
  const twice = await tryDocker(['create', '--name', 'taken', '--network', 'none', 'hello']);
  assert.match(twice.stderr, /already in use by container/);
  const running = await tryDocker(['rm', 'taken']);
  assert.match(running.stderr, /stop the container before removing or force remove/);
  await docker(['rm', '-f', 'taken']);
});

test('docker images, tag, history, rmi work on names and ids', async () => {
  await docker(['tag', 'hello', 'other:v1']);
  const listed = await docker(['images', '--format', '{{.Repository}}:{{.Tag}}']);
  assert.deepEqual(listed.trim().split('\n').sort(), ['hello:latest', 'other:v1']);
  assert.match(await docker(['history', 'hello']), /busybox-static/);
  assert.match(await docker(['rmi', 'other:v1']), /Untagged: other:v1/);
  assert.match((await tryDocker(['rmi', 'none'])).stderr, /No such image/);
});

test('docker push, pull, save and load move an image whole', async () => {
  await using registry = await startRegistry();
  const name = `${registry.host}/team/hello:1`;
  await docker(['tag', 'hello', name]);
  assert.match(await docker(['push', name]), /digest: sha256:/);
  await docker(['rmi', name]);
  assert.match(await docker(['pull', name]), /Status: Downloaded newer image/);
  assert.match(await docker(['pull', name]), /Image is up to date/);
  assert.equal((await run('--rm', name, 'echo', 'pulled')).stdout, 'pulled\n');
  await using dir = await mkdtempDisposable(join(tmpdir(), 'save-'));
  const archive = join(dir.path, 'image.tar');
  await docker(['save', '-o', archive, name]);
  await docker(['rmi', name]);
  assert.match(await docker(['load', '-i', archive]), new RegExp(`Loaded image: ${name}`));
  const missing = await tryDocker(['pull', `${registry.host}/team/none:1`]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /not found|unknown/i);
  await docker(['rmi', name]);
});

test('docker run pulls what is missing', async () => {
  await using registry = await startRegistry();
  const name = `${registry.host}/hello:2`;
  await docker(['tag', 'hello', name]);
  await docker(['push', '-q', name]);
  await docker(['rmi', name]);
  const result = await run('--rm', name, 'echo', 'fresh');
  assert.equal(result.stdout, 'fresh\n');
  assert.match(result.stderr, /Unable to find image/);
  await docker(['rmi', name]);
});

test('docker events tells a life in order', async () => {
  const following = spawn(client, ['events', '--format', '{{.Type}} {{.Action}}'], {
    env: { ...process.env, ...environment() },
  });
  let text = '';
  following.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await delay(500);
  await run('--rm', 'hello', 'true');
  for (let tries = 0; !text.includes('destroy'); tries++) {
    assert(tries < 100, text);
    await delay(50);
  }
  following.kill();
  await once(following, 'exit');
  const actions = text
    .split('\n')
    .filter((line) => line.startsWith('container '))
    .map((line) => line.slice('container '.length));
  assert.deepEqual(
    actions.filter((action) => action !== 'attach'),
    ['create', 'start', 'die', 'destroy'],
  );
});

test('two attached clients both get everything', async () => {
  await docker(['create', '--name', 'both', '-i', '--network', 'none', 'hello', 'sh', '-c', 'read x; seq 1 1000']);
  await docker(['start', 'both']);
  const first = tryDocker(['attach', '--no-stdin', 'both']);
  const second = tryDocker(['attach', '--no-stdin', 'both']);
  await delay(500);
  await tryDocker(['attach', 'both'], { input: 'go\n' });
  const lines = Array.from({ length: 1000 }, (_, at) => `${at + 1}\n`).join('');
  assert.equal((await first).stdout, lines);
  assert.equal((await second).stdout, lines);
  await docker(['rm', 'both']);
});
