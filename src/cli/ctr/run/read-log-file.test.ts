import assert from 'node:assert/strict';
import { appendFile, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readLogFile, type LogWish } from '#/cli/ctr/run/read-log-file.ts';

async function read(wish: LogWish): Promise<string> {
  let text = '';
  for await (const chunk of readLogFile(wish)) text += Buffer.from(chunk).toString();
  return text;
}

test('readLogFile() gives the last lines, also where they are longer than a piece', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'ctr-log-'));
  const path = join(directory.path, 'log');
  const long = 'x'.repeat(100_000);
  await writeFile(path, `one\n${long}\nthree\n`);
  const tail = (lines: number): Promise<string> => read({ path, tail: lines, until: undefined });
  assert.equal(await tail(1), 'three\n');
  assert.equal(await tail(2), `${long}\nthree\n`);
  assert.equal(await tail(9), `one\n${long}\nthree\n`);
  assert.equal(await tail(0), '');
});

test('readLogFile() goes on until told that all is over, and misses nothing', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'ctr-log-'));
  const path = join(directory.path, 'log');
  await writeFile(path, 'one\n');
  const over = new AbortController();
  const reading = read({ path, tail: undefined, until: over.signal });
  await appendFile(path, 'two\n');
  over.abort();
  assert.equal(await reading, 'one\ntwo\n');
});
