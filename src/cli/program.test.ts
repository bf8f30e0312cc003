import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempDisposable, readFile, symlink, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openFakeDaemon, sendJson, type Answer, type FakeDaemon } from '#/client/fake-daemon.fixture.ts';

const launcher = fileURLToPath(new URL('../../bin/berth', import.meta.url));
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly onStart?: (child: ReturnType<typeof spawn>) => void;
  /** Run instead of Node with our sources. */
  readonly program?: string;
}

/** The real program, in a process of its own. */
async function berth(
  words: readonly string[],
  { env = {}, input = '', onStart, program }: RunOptions = {},
): Promise<Ended> {
  const { PATH = '' } = process.env;
  const child = spawn(program ?? process.execPath, program === undefined ? [main, ...words] : words, {
    env: { PATH, HOME: '/nonexistent', BERTH_NODE: process.execPath, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  onStart?.(child);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
}

const toDaemon = (daemon: FakeDaemon): RunOptions => ({ env: { DOCKER_HOST: `unix://${daemon.path}` } });

test('berth without a command, "help" and "--help" show all commands', async () => {
  const plain = await berth([]);
  assert.equal(plain.code, 0);
  assert.match(plain.out, /^ {2}run +Create and start a container/m);
  assert.equal((await berth(['help'])).out, plain.out);
  const help = await berth(['help', 'run']);
  assert.equal(help.out, (await berth(['container', 'run', '--help'])).out.replace('berth container run', 'berth run'));
  assert.match(help.out, /-h, --hostname NAME/);
});

const refused: readonly (readonly [string, number, RegExp])[] = [
  ['psx', 1, /^berth: "psx" is no command; did you mean "berth ps"\?\nRun 'berth --help'/],
  ['image lss', 1, /"image lss" is no command; did you mean "berth image ls"\?\nRun 'berth image --help'/],
  ['image share a', 1, /^berth: say which namespace gets it: --to NAMESPACE\nRun 'berth image share --help'/],
  ['ctr pull a', 1, /"berth ctr pull" is no command; did you mean "berth ctr images pull"\?/],
  ['ctr ps', 1, /did you mean "berth ctr tasks ps"\?/],
  ['ctr namespace lss', 1, /did you mean "berth ctr namespaces ls"\?/],
  ['ctr rm', 1, /"berth ctr rm" is no command/],
  ['ps --al', 125, /^berth: unknown flag "--al"; did you mean "--all"\?\nRun 'berth ps --help'/],
  ['rm', 1, /^berth: "berth rm" takes at least 1 argument\nUsage: berth rm \[OPTIONS\] CONTAINER/],
  ['version x', 1, /takes no arguments/],
  ['rename a', 1, /takes exactly 2 arguments/],
  ['images a b', 1, /takes at most 1 argument$/m],
  ['-H tcp://x ps', 125, /unix sockets only/],
  ['stats', 1, /^berth: "stats" is not there yet; "berth ctr stats" is\nRun 'berth --help'/],
  ['container cp a b', 1, /^berth: "container cp" is not there yet\nRun 'berth container --help'/],
  ['toString', 1, /"toString" is no command/],
];

for (const [line, code, message] of refused)
  test(`berth refuses "${line}" with code ${code}`, async () => {
    const ended = await berth(line.split(' '));
    assert.equal(ended.code, code);
    assert.match(ended.err, message);
    assert.equal(ended.out, '');
  });

test('berth version --client asks no daemon', async () => {
  const { code, out } = await berth(['version', '--client', '--format', '{{.Client.Version}} {{.Server}}'], {
    env: { DOCKER_HOST: 'unix:///nowhere' },
  });
  assert.deepEqual([code, out], [0, '0.1.0 <no value>\n']);
});

test('berth version shows the client even when the daemon cannot be reached', async () => {
  const { code, out, err } = await berth(['version'], { env: { DOCKER_HOST: 'unix:///nowhere' } });
  assert.equal(code, 1);
  assert.match(out, /^Client: berth\n Version: +0\.1\.0$/m);
  assert.match(
    err,
    /^berth: Cannot connect to "\/nowhere": there is no such socket .*DOCKER_HOST or --host chose this socket/,
  );
});

test('global options work before and after the command, and -n belongs to logs', async () => {
  await using daemon = await openFakeDaemon((request, response) => {
    if (request.url.endsWith('/json')) return sendJson(response, { Id: 'a', Config: { Tty: true } });
    response.writeHead(200).end('text');
    return true;
  });
  const host = `unix://${daemon.path}`;
  assert.equal((await berth(['-n', 'one', '-H', host, 'rm', 'a'])).code, 0);
  assert.equal((await berth(['rm', '--host', host, '-n', 'two', 'a'])).code, 0);
  const logs = await berth(['-n', 'three', 'logs', '-H', host, '-n', '5', 'a']);
  assert.deepEqual([logs.code, logs.out], [0, 'text']);
  assert.deepEqual(
    daemon.seen.map(({ headers }) => headers['x-berth-namespace']),
    ['one', 'two', 'three', 'three'],
  );
  assert.match(daemon.seen[3]?.url ?? '', /[?&]tail=5(?:&|$)/);
});

test('a pipe that closes early ends berth quietly', async () => {
  const rows = Array.from({ length: 20_000 }, (_, at) => ({
    Id: `${at}`.repeat(12),
    Names: [`/n${at}`],
    Image: 'a',
    ImageID: '',
    Created: 1,
    State: 'running',
    Status: 'Up',
  }));
  await using daemon = await openFakeDaemon((_request, response) => sendJson(response, rows));
  const script = `"$0" "$1" ps -a | head -1; exit "\${PIPESTATUS[0]}"`;
  const { code, out, err } = await berth(['-c', script, process.execPath, main], {
    ...toDaemon(daemon),
    program: 'bash',
  });
  assert.deepEqual([code, err], [141, '']);
  assert.match(out, /^CONTAINER ID {3}IMAGE {5}COMMAND {3}CREATED +STATUS {4}PORTS {5}NAMES\n$/);
});

test('bin/berth is found through symbolic links, and says what is missing', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'launcher-'));
  await symlink(launcher, join(directory.path, 'first'));
  await symlink('first', join(directory.path, 'second'));
  const program = join(directory.path, 'second');
  assert.deepEqual((await berth(['--version'], { program })).out, 'berth version 0.1.0\n');
  const copy = join(directory.path, 'berth');
  await writeFile(copy, await readFile(launcher), { mode: 0o755 });
  assert.match(
    (await berth([], { program: copy })).err,
    /neither .*\/dist\/berth\.js nor .*\/src\/cli\/main\.ts exists/,
  );
  assert.match((await berth([], { program: copy, env: { BERTH_NODE: '' } })).err, /Cannot find Node 26 .*BERTH_NODE/);
});

test('bin/berth keeps flags from Node that have a meaning for Node too', async () => {
  const { err } = await berth(['run', '--env-file', '/nonexistent/file', 'a'], { program: launcher });
  assert.match(err, /^berth: .*"\/nonexistent\/file"/);
});

/** As much of a daemon as `run` needs; the image is missing until it was pulled. */
function runnable(end: { readonly code: number }): {
  answer: Answer;
  upgrade: (request: unknown, socket: Socket) => void;
} {
  let pulled = false;
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const frame = (type: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
  return {
    answer: ({ url }, response) => {
      if (url.includes('/containers/create'))
        return pulled
          ? sendJson(response, { Id: 'f00d'.repeat(16), Warnings: ['no swap'] }, 201)
          : sendJson(response, { message: 'No such image: a:latest' }, 404);
      if (url.includes('/images/create')) {
        pulled = true;
        response.end('{"status":"Pulling from library/a","id":"latest"}\n{"status":"Status: Downloaded"}\n');
        return true;
      }
      if (url.includes('/wait')) {
        response.flushHeaders();
        void ended.promise.then(() => response.end(JSON.stringify({ StatusCode: end.code })));
        return true;
      }
      if (url.endsWith('/start')) {
        response.writeHead(204).end();
        started.resolve();
        return true;
      }
      return false;
    },
    upgrade: (_request, socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
      let typed = '';
      socket.on('data', (chunk: Buffer) => (typed += chunk.toString()));
      socket.on('end', () => {
        void started.promise.then(() => {
          socket.end(Buffer.concat([frame(1, `got ${typed}`), frame(2, 'complaint\n')]));
          ended.resolve();
        });
      });
    },
  };
}

test('berth run pulls what is missing, attaches, waits, starts, and ends as the container does', async () => {
  const { answer, upgrade } = runnable({ code: 7 });
  await using daemon = await openFakeDaemon(answer, upgrade);
  const ended = await berth(['run', '-i', '--rm', '--name', 'x', 'a', 'cat'], {
    ...toDaemon(daemon),
    input: 'typed\n',
  });
  assert.deepEqual([ended.code, ended.out], [7, 'got typed\n']);
  assert.equal(
    ended.err,
    "Unable to find image 'a' locally\nlatest: Pulling from library/a\nStatus: Downloaded\nWARNING: no swap\ncomplaint\n",
  );
  const id = 'f00d'.repeat(16);
  assert.deepEqual(
    daemon.seen.map(({ method, url }) => `${method} ${url.replace('/v1.51', '')}`),
    [
      'POST /containers/create?name=x',
      'POST /images/create?fromImage=a&tag=latest',
      'POST /containers/create?name=x',
      `POST /containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
      `POST /containers/${id}/wait?condition=removed`,
      `POST /containers/${id}/start`,
    ],
  );
});

test('berth run --pull never does not pull', async () => {
  const { answer, upgrade } = runnable({ code: 0 });
  await using daemon = await openFakeDaemon(answer, upgrade);
  const ended = await berth(['run', '--pull', 'never', 'a'], toDaemon(daemon));
  assert.equal(ended.code, 125);
  assert.equal(ended.err, 'berth: Error response from daemon: No such image: a:latest\n');
  assert.equal(daemon.seen.length, 1);
});

for (const [message, code] of [
  ['exec: "x": executable file not found in $PATH', 127],
  ['exec: "/etc": permission denied', 126],
  ['the moon is full', 125],
] as const)
  test(`berth run ends with ${code} when the start fails with "${message}"`, async () => {
    await using daemon = await openFakeDaemon(({ url }, response) => {
      if (url.includes('/create')) return sendJson(response, { Id: 'abc' }, 201);
      return sendJson(response, { message }, url.endsWith('/start') ? 400 : 200);
    });
    const ended = await berth(['run', '-d', 'a'], toDaemon(daemon));
    assert.deepEqual([ended.code, ended.out, ended.err], [code, '', `berth: Error response from daemon: ${message}\n`]);
  });

test('berth run passes signals on and tells the container’s own exit code', async () => {
  const killed = Promise.withResolvers<string>();
  await using daemon = await openFakeDaemon(
    ({ url }, response) => {
      if (url.includes('/create')) return sendJson(response, { Id: 'abc' }, 201);
      if (url.includes('/kill')) killed.resolve(url);
      if (!url.includes('/wait')) return sendJson(response, {});
      response.flushHeaders();
      void killed.promise.then(() => response.end('{"StatusCode":130}'));
      return true;
    },
    (_request, socket) => {
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\u0001\0\0\0\0\0\0\u0002ok');
      void killed.promise.then(() => socket.end());
    },
  );
  const onStart: RunOptions['onStart'] = (child) => child.stdout?.once('data', () => child.kill('SIGINT'));
  const ended = await berth(['run', 'a'], { ...toDaemon(daemon), onStart });
  assert.deepEqual([ended.code, ended.out], [130, 'ok']);
  assert.equal(await killed.promise, '/v1.51/containers/abc/kill?signal=INT');
});

test('berth run --cidfile refuses a file that is there, and writes the id otherwise', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'cidfile-'));
  await using daemon = await openFakeDaemon((_request, response) => sendJson(response, { Id: 'abc' }, 201));
  const path = join(directory.path, 'cid');
  assert.equal((await berth(['run', '-d', '--cidfile', path, 'a'], toDaemon(daemon))).out, 'abc\n');
  assert.equal(await readFile(path, 'utf8'), 'abc');
  const again = await berth(['run', '-d', '--cidfile', path, 'a'], toDaemon(daemon));
  assert.deepEqual(
    [again.code, again.err],
    [125, `berth: Cannot write the id file "${path}": it exists; remove it first\n`],
  );
});

test('berth run --init is refused where the daemon has no init', async () => {
  await using daemon = await openFakeDaemon((_request, response) => sendJson(response, { InitBinary: '' }));
  const ended = await berth(['run', '--init', 'a'], toDaemon(daemon));
  assert.deepEqual(
    [ended.code, ended.err],
    [125, 'berth: Cannot use "--init": this daemon has no init program for containers\n'],
  );
});

test('berth exec ends with the code of the command', async () => {
  await using daemon = await openFakeDaemon(
    ({ url }, response) => {
      if (url.endsWith('/exec')) return sendJson(response, { Id: 'e1' }, 201);
      return sendJson(response, { ID: 'e1', Running: false, ExitCode: 3 });
    },
    (request, socket) => {
      assert.equal(request.url, '/v1.51/exec/e1/start');
      socket.end('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\u0002\0\0\0\0\0\0\u0003no\n');
    },
  );
  const ended = await berth(['exec', '-e', 'A=1', '-u', 'joe', 'web', 'ls', '-l'], toDaemon(daemon));
  assert.deepEqual([ended.code, ended.out, ended.err], [3, '', 'no\n']);
  const config: unknown = JSON.parse(daemon.seen[0]?.body.toString() ?? '');
  assert.deepEqual(config, {
    Cmd: ['ls', '-l'],
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Env: ['A=1'],
    Privileged: false,
    User: 'joe',
  });
});

test('berth inspect looks for containers, then images, and keeps all digits', async () => {
  await using daemon = await openFakeDaemon(({ url }, response) => {
    if (url.includes('/images/img/')) return sendJson(response, { Id: 'sha256:1', Os: 'linux' });
    if (!url.includes('/containers/web/')) return false;
    response.end('{"Id":"c1","HostConfig":{"Memory":9223372036854771712}}');
    return true;
  });
  const both = await berth(['inspect', 'web', 'img', 'nope'], toDaemon(daemon));
  assert.equal(both.code, 1);
  assert.match(
    both.out,
    /^\[\n {4}\{\n {8}"Id": "c1",[^]*"Memory": 9223372036854771712[^]*"Os": "linux"\n {4}\}\n\]\n$/,
  );
  assert.equal(both.err, 'Error: No such object: nope\n');
  const one = await berth(['inspect', '-f', '{{.ID}} {{.HostConfig.Memory}}', 'web'], toDaemon(daemon));
  assert.deepEqual([one.code, one.out], [0, 'c1 9223372036854771712\n']);
});
