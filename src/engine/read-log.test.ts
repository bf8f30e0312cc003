import assert from 'node:assert/strict';
import { appendFile, mkdtempDisposable, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTime } from '#/base/clock.ts';
import { readLog, type ReadLog } from '#/engine/read-log.ts';

const line = (text: string, second = 0, stream = 'stdout'): string =>
  `${JSON.stringify({ log: `${text}\n`, stream, time: `2026-01-01T00:00:${String(second).padStart(2, '0')}.5Z` })}\n`;

async function collect(path: string, options: Partial<ReadLog> = {}): Promise<string[]> {
  const texts: string[] = [];
  for await (const { data } of readLog(path, { stdout: true, stderr: true, ...options }))
    texts.push(data.toString().trimEnd());
  return texts;
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String(from + at));

test('readLog() reads rotated files before the present one', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'log-'));
  const path = join(dir.path, 'x.log');
  await writeFile(`${path}.2`, line('1') + line('2'));
  await writeFile(`${path}.1`, line('3'));
  await writeFile(path, line('4') + line('5'));
  assert.deepEqual(await collect(path), ['1', '2', '3', '4', '5']);
  assert.deepEqual(await collect(path, { tail: 3 }), ['3', '4', '5']);
  assert.deepEqual(await collect(path, { tail: 4 }), ['2', '3', '4', '5']);
  assert.deepEqual(await collect(path, { tail: 99 }), ['1', '2', '3', '4', '5']);
  assert.deepEqual(await collect(path, { tail: 0 }), []);
});

test('readLog() finds the tail of a log that is longer than a chunk', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'log-'));
  const path = join(dir.path, 'x.log');
  await writeFile(
    path,
    numbers(1, 5000)
      .map((number) => line(number))
      .join(''),
  );
  assert.deepEqual(await collect(path, { tail: 2500 }), numbers(2501, 5000));
  assert.equal((await collect(path)).length, 5000);
});

test('readLog() keeps to streams and times, and passes over lines that are none', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'log-'));
  const path = join(dir.path, 'x.log');
  await writeFile(path, `${line('a', 1)}{"log":"half\n${line('b', 2, 'stderr')}${line('c', 3)}{"log":`);
  assert.deepEqual(await collect(path), ['a', 'b', 'c']);
  assert.deepEqual(await collect(path, { stderr: false }), ['a', 'c']);
  const since = parseTime('2026-01-01T00:00:02Z');
  const until = parseTime('2026-01-01T00:00:03Z');
  assert(since !== undefined && until !== undefined);
  assert.deepEqual(await collect(path, { since }), ['b', 'c']);
  assert.deepEqual(await collect(path, { since, until }), ['b']);
});

test('readLog() of a log that was never written is empty', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'log-'));
  assert.deepEqual(await collect(join(dir.path, 'none.log')), []);
});

test('readLog() follows a growing log over a rotation to its end', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'log-'));
  const path = join(dir.path, 'x.log');
  await writeFile(path, line('1'));
  const steps = [
    async () => appendFile(path, line('2')),
    async () => {
      await appendFile(path, line('3'));
      await rename(path, `${path}.1`);
      await writeFile(path, line('4'));
    },
    async () => appendFile(path, line('5')),
  ];
  const waitForMore = async (): Promise<boolean> => {
    const step = steps.shift();
    await step?.();
    return step !== undefined;
  };
  assert.deepEqual(await collect(path, { waitForMore }), ['1', '2', '3', '4', '5']);
});
