import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFile } from '#/linux/flock.ts';
import { openChildPipe } from '#/linux/pipe.ts';
import { spawn } from '#/linux/spawn.ts';

test('lockFile() tells who holds the lock, and gives it again after disposal', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flock-'));
  const path = join(directory.path, 'lock');
  const first = await lockFile(path);
  await assert.rejects(lockFile(path), {
    kind: 'failed-precondition',
    message: `Cannot lock "${path}": process ${process.pid} holds it`,
  });
  await first[Symbol.asyncDispose]();
  await (await lockFile(path))[Symbol.asyncDispose]();
  await assert.rejects(lockFile(join(directory.path, 'no/lock')), { code: 'ENOENT' });
});

test('lockFile() frees the lock of a process that was killed, and children do not inherit it', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'flock-'));
  const path = join(directory.path, 'lock');
  const script = `import { lockFile } from '#/linux/flock.ts';
    import { spawn } from '#/linux/spawn.ts';
    await lockFile(${JSON.stringify(path)});
    const { pid } = spawn({ file: 'sleep', args: ['60'], env: { PATH: '/bin:/usr/bin' }, stdio: [] });
    console.log(pid);`;
  using output = openChildPipe('from-child');
  const args = ['--input-type=module-typescript', '-e', script];
  const holder = spawn({ file: process.execPath, args, env: {}, stdio: ['ignore', output.fd, 2] });
  output.release();
  const [line] = (await once(output.stream, 'data')) as [Buffer];
  try {
    await assert.rejects(lockFile(path), { message: `Cannot lock "${path}": process ${holder.pid} holds it` });
    holder.kill(9);
    await holder.exited;
    await (await lockFile(path))[Symbol.asyncDispose]();
  } finally {
    process.kill(Number(line), 'SIGKILL');
    holder.kill(9);
  }
});
