import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { access, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openTestStdio, output, play, readAll, readLog, withStdin } from '#/core/tasks/stdio.fixture.ts';
import { attachStdio, stdioEnded, stopStrayStdio } from '#/core/tasks/stdio.ts';
import { openStdio } from '#/core/tasks/stdio-program.ts';
import { stdioBinary } from '#/core/tasks/tasks.fixture.ts';
import { isAlive } from '#/linux/process.ts';

const limit = { timeout: 60_000 };

function frames(bytes: Buffer): [number, string][] {
  const found: [number, string][] = [];
  for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt32BE(at + 4))
    found.push([bytes.readUInt8(at), bytes.toString('utf8', at + 8, at + 8 + bytes.readUInt32BE(at + 4))]);
  return found;
}

test('both streams arrive in order, framed, in the log, and the process ends with them', limit, async () => {
  await using streams = await openTestStdio({ logged: true });
  const client = await attachStdio(streams.socketPath, { ...output, raw: false });
  const reading = readAll(client);
  const ended = stdioEnded(streams.socketPath);
  await play(streams, 'for i in 1 2 3; do echo out $i; sleep 0.05; echo err $i >&2; sleep 0.05; done; printf tail');
  const texts = ['out 1\n', 'err 1\n', 'out 2\n', 'err 2\n', 'out 3\n', 'err 3\n', 'tail'];
  assert.deepEqual(
    frames(await reading),
    texts.map((text) => [text.startsWith('err') ? 2 : 1, text]),
  );
  await ended;
  const log = await readLog(streams.log);
  assert.deepEqual(
    log.map((line) => line.log),
    texts,
  );
  assert.deepEqual(
    log.map(({ stream }) => stream),
    texts.map((text) => (text.startsWith('err') ? 'stderr' : 'stdout')),
  );
  for (const { time } of log) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
  assert(Math.abs(Date.parse(log[0]?.time ?? '') - Date.now()) < 10_000);
  await assert.rejects(access(streams.socketPath), { code: 'ENOENT' });
  await assert.rejects(attachStdio(streams.socketPath, output), { kind: 'not-found' });
  await stdioEnded(streams.socketPath);
});

test('100 MiB reach two clients unchanged, one of them slow', limit, async () => {
  await using streams = await openTestStdio();
  const block = randomBytes(1 << 20);
  const expected = createHash('sha256');
  for (let i = 0; i < 100; i++) expected.update(block);
  await writeFile(join(streams.directory, 'block'), block);
  const clients = await Promise.all([1, 2].map(() => attachStdio(streams.socketPath, output)));
  const digestOf = async (socket: Socket, pauses: boolean): Promise<string> => {
    const hash = createHash('sha256');
    let seen = 0;
    for await (const piece of socket as AsyncIterable<Buffer>) {
      hash.update(piece);
      seen += piece.length;
      if (pauses && seen > 8 << 20) await delay(20).then(() => (seen = 0));
    }
    return hash.digest('hex');
  };
  const digests = Promise.all(clients.map((client, index) => digestOf(client, index === 1)));
  await play(streams, 'i=0; while [ $i -lt 100 ]; do cat "$1"; i=$((i+1)); done', join(streams.directory, 'block'));
  const digest = expected.digest('hex');
  assert.deepEqual(await digests, [digest, digest]);
});

test('a client that takes nothing holds the streams back, and its death lets them go on', limit, async () => {
  await using streams = await openTestStdio({ logged: true });
  const stuck = await attachStdio(streams.socketPath, output);
  const healthy = await attachStdio(streams.socketPath, output);
  const received = readAll(healthy);
  const playing = play(streams, 'head -c 4000000 /dev/zero | tr "\\0" "a"; echo');
  const ended = playing.then(() => 'ended');
  assert.equal(await Promise.race([ended, delay(500, 'held back')]), 'held back');
  stuck.destroy();
  assert.equal(await playing, 0);
  assert.equal((await received).length, 4_000_001);
  await stdioEnded(streams.socketPath);
  assert.equal(
    (await readLog(streams.log)).reduce((sum, line) => sum + line.log.length, 0),
    4_000_001,
  );
});

test('the end of stdin reaches the process once, after all that was sent', limit, async () => {
  await using streams = await openTestStdio({ openStdin: true });
  const bystander = await attachStdio(streams.socketPath, { ...withStdin, stdout: false, stderr: false });
  const client = await attachStdio(streams.socketPath, { ...withStdin, once: true });
  bystander.write('first ');
  await delay(50);
  bystander.end();
  client.end(Buffer.alloc(300_000, 'z'));
  await delay(100);
  const [received] = await Promise.all([readAll(client), play(streams, 'cat; echo done')]);
  assert.equal(received.toString(), `first ${'z'.repeat(300_000)}done\n`);
});

test('a client that is killed ends the stdin that was its own', limit, async () => {
  await using streams = await openTestStdio({ openStdin: true, stdinOnce: true });
  const watcher = await attachStdio(streams.socketPath, output);
  const client = await attachStdio(streams.socketPath, withStdin);
  const playing = play(streams, 'cat; echo over');
  client.write('half a ');
  await delay(50);
  client.destroy();
  assert.equal((await readAll(watcher)).toString(), 'half a over\n');
  assert.equal(await playing, 0);
});

test('stdin that the process does not read holds its client back, not the output', limit, async () => {
  await using streams = await openTestStdio({ openStdin: true });
  const client = await attachStdio(streams.socketPath, withStdin);
  const flood = Buffer.alloc(1 << 20);
  while (client.write(flood) || client.writableLength < 8 << 20) continue;
  const received = readAll(client);
  assert.equal(await play(streams, 'echo still here'), 0);
  assert.equal((await received).toString(), 'still here\n');
  client.destroy();
});

test('stop() and stopStrayStdio() end streams that nobody came for, and no others', limit, async () => {
  await using stopped = await openTestStdio();
  const client = await attachStdio(stopped.socketPath, output);
  await stopped.stop();
  assert.equal((await readAll(client)).length, 0);
  assert.equal(await isAlive(stopped.pid), false);

  await using stray = await openTestStdio();
  await stopStrayStdio(stray.directory);
  for (let tries = 0; (await isAlive(stray.pid)) && tries < 100; tries++) await delay(10);
  assert.equal(await isAlive(stray.pid), false);

  await using used = await openTestStdio({ openStdin: true });
  const user = await attachStdio(used.socketPath, { ...withStdin, once: true });
  const playing = play(used, 'cat');
  user.write('alive');
  await delay(100);
  process.kill(used.pid, 'SIGTERM');
  await delay(100);
  user.end(' still');
  assert.equal((await readAll(user)).toString(), 'alive still');
  assert.equal(await playing, 0);
});

test('a hello that is wrong or late is refused, and openStdio() says why it fails', limit, async () => {
  await using streams = await openTestStdio();
  const hello = async (text: string): Promise<Buffer> => {
    const socket = connect({ path: streams.socketPath });
    socket.write(text);
    return await readAll(socket);
  };
  assert.notEqual((await hello('GET / HTTP/1.1\r\n\r\n').catch(() => Buffer.of(1)))[0], 0);
  const started = Date.now();
  const answer = await hello('BRT');
  assert.equal(answer.length, 0);
  assert(Date.now() - started > 3000 && Date.now() - started < 9000);
  const options = { binary: stdioBinary, terminal: false, openStdin: false, stdinOnce: false, stderr: false };
  await using place = await mkdtempDisposable(join(tmpdir(), 'stdio-'));
  const logPath = join(place.path, 'missing/log');
  await assert.rejects(openStdio({ ...options, directory: join(place.path, 'a'), logPath }), {
    message: /Cannot open the log ".*missing\/log": No such file or directory/,
  });
  await assert.rejects(openStdio({ ...options, directory: join(place.path, 'b'), binary: '/no/such' }), {
    message: /Cannot open streams in ".*b": .*\/no\/such/,
  });
});

test('a directory whose path is longer than a socket address serves as well', limit, async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'stdio-'));
  await using streams = await openTestStdio({ directory: join(place.path, 'd'.repeat(120)) });
  const client = await attachStdio(streams.socketPath, output);
  await play(streams, 'echo far away');
  assert.equal((await readAll(client)).toString(), 'far away\n');
});
