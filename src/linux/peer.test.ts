import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtempDisposable } from 'node:fs/promises';
import { type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { peerOf, peerOfDescriptor } from '#/linux/peer.ts';
import { spawn } from '#/linux/spawn.ts';

test('peerOf() tells process, user and group of who connected', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'peer-'));
  const path = join(directory.path, 'socket');
  await using server = createServer().listen(path);
  await once(server, 'listening');
  const own = connect(path);
  const [mine] = (await once(server, 'connection')) as [Socket];
  assert.deepEqual(peerOf(mine), { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  own.destroy();
  mine.destroy();

  const script = `process.setgid(4242); process.setuid(2121); require('node:net').connect(${JSON.stringify(path)})`;
  await chmod(directory.path, 0o755);
  await chmod(path, 0o777);
  const child = spawn({ file: process.execPath, args: ['-e', script], env: {}, stdio: ['ignore', 1, 2] });
  const [theirs] = (await once(server, 'connection')) as [Socket];
  assert.deepEqual(peerOf(theirs), { pid: child.pid, uid: 2121, gid: 4242 });
  theirs.destroy();
  child.kill(9);
  await child.exited;
});

test('peerOf() refuses what is not connected or no socket', () => {
  assert.throws(
    () =>
      peerOf(
        connect('/no/such/socket')
          .on('error', () => {})
          .destroy(),
      ),
    { kind: 'failed-precondition' },
  );
  assert.throws(() => peerOfDescriptor(-1), { code: 'EBADF', syscall: 'getsockopt' });
});
