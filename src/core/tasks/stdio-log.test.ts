import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openTestStdio, output, play, readAll, readLog, withStdin } from '#/core/tasks/stdio.fixture.ts';
import { attachStdio, stdioEnded } from '#/core/tasks/stdio.ts';
import { mount, unmount } from '#/linux/mount.ts';
import { run } from '#/linux/spawn.ts';

const limit = { timeout: 60_000 };

test('lines that are long, binary or cut inside a character are logged as Docker logs them', limit, async () => {
  await using streams = await openTestStdio({ logged: true });
  const long = 'é'.repeat(20_000);
  const odd = Buffer.concat([
    Buffer.from([0xff, 0x41, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80]),
    Buffer.from(' "q" \\ \t \u0001 \u2028 😀 \r\n'),
  ]);
  await writeFile(join(streams.directory, 'data'), Buffer.concat([Buffer.from(`x${long}\n`), odd, Buffer.from('end')]));
  const client = await attachStdio(streams.socketPath, output);
  await Promise.all([play(streams, 'cat "$1"', join(streams.directory, 'data')), readAll(client)]);
  await stdioEnded(streams.socketPath);
  const lines = (await readLog(streams.log)).map((line) => line.log);
  assert.deepEqual(
    lines.slice(0, 3).map((line) => Buffer.byteLength(line)),
    [16_383, 16_384, 7235],
  );
  assert.equal(lines.slice(0, 3).join(''), `x${long}\n`);
  const bad = '\ufffd';
  assert.equal(lines[3], `${bad}A${bad}(${bad.repeat(3)}${bad.repeat(4)} "q" \\ \t \u0001 \u2028 😀 \r\n`);
  assert.equal(lines[4], 'end');
  assert.equal(lines.length, 5);
});

test('10000 lines are in the log as they were written', limit, async () => {
  await using streams = await openTestStdio({ logged: true });
  await play(streams, 'seq 1 10000');
  await stdioEnded(streams.socketPath);
  const lines = await readLog(streams.log);
  assert.deepEqual(
    lines.map(({ log }) => log),
    Array.from({ length: 10_000 }, (_, index) => `${index + 1}\n`),
  );
});

test('the log is begun anew at its limit, and only so many files are kept', limit, async () => {
  await using streams = await openTestStdio({ logged: true, logOptions: { maxSize: 20_000, maxFiles: 3 } });
  await play(streams, 'seq 1 2000');
  await stdioEnded(streams.socketPath);
  const files = (await readdir(streams.directory)).filter((name) => name.startsWith('log')).sort();
  assert.deepEqual(files, ['log', 'log.1', 'log.2']);
  const kept = await Promise.all(files.reverse().map((name) => readLog(join(streams.directory, name))));
  const numbers = kept.flat().map(({ log }) => Number(log));
  assert.equal(numbers.at(-1), 2000);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => 2000 - numbers.length + 1 + index),
  );
  for (const name of files) assert((await stat(join(streams.directory, name))).size < 20_200);
});

test('a full disk drops lines, counts them in the log, and never stops the process', limit, async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'stdio-full-'));
  const disk = join(place.path, 'disk');
  await mkdir(disk);
  await mount({ type: 'tmpfs', source: 'tmpfs', target: disk, options: ['size=64k'] });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => unmount(disk, { detach: true }));
  await writeFile(join(disk, 'ballast'), Buffer.alloc(32 * 1024));
  await using streams = await openTestStdio({ logPath: join(disk, 'log'), openStdin: true });
  const client = await attachStdio(streams.socketPath, withStdin);
  const received = readAll(client);
  const playing = play(streams, 'seq 1 2000; read line; echo after');
  while ((await stat(join(disk, 'log'))).size < 30_000) await delay(10);
  await delay(200);
  await run({ file: 'rm', args: [join(disk, 'ballast')], env: { PATH: '/bin' }, timeoutMs: 5000, maxOutput: 100 });
  client.write('go\n');
  assert.equal(await playing, 0);
  assert.equal((await received).toString().split('\n').length, 2002);
  await stdioEnded(streams.socketPath);
  const lines = (await readLog(join(disk, 'log'))).map(({ log }) => log);
  const noted = lines.findIndex((line) => line.startsWith('berth:'));
  const [, dropped] =
    /^berth: (\d+) log lines were dropped here: No space left on device\n$/.exec(lines[noted] ?? '') ?? [];
  assert.equal(lines.at(-1), 'after\n');
  assert.deepEqual(
    lines.slice(0, noted),
    Array.from({ length: noted }, (_, index) => `${index + 1}\n`),
  );
  assert.equal(Number(dropped), 2001 - (lines.length - 1));
});
