import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { notifyManager } from '#/linux/notify.ts';
import { openChildPipe } from '#/linux/pipe.ts';
import { spawn } from '#/linux/spawn.ts';

/** Node has no unix datagram sockets, so perl receives: says that it listens, then prints what came. */
const receiver = `use Socket; $| = 1;
my $name = $ARGV[0] =~ s/^@/\\0/r;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($socket, sockaddr_un($name)) or die $!;
print "listening";
recv($socket, my $text, 4096, 0);
print $text;`;

async function received(address: string, send: () => void): Promise<string> {
  using output = openChildPipe('from-child');
  const args = ['-e', receiver, address];
  const child = spawn({ file: 'perl', args, env: { PATH: '/bin:/usr/bin' }, stdio: ['ignore', output.fd, 2] });
  output.release();
  const signal = AbortSignal.timeout(5000);
  try {
    await once(output.stream, 'data', { signal });
    send();
    const [text] = (await once(output.stream, 'data', { signal })) as [Buffer];
    return text.toString();
  } finally {
    child.kill(9);
    await child.exited;
  }
}

test('notifyManager() reaches a socket by path and by abstract name', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'notify-'));
  for (const address of [join(directory.path, 'socket'), `@berth-notify-test-${process.pid}`]) {
    const send = (): void => {
      assert.equal(notifyManager(['READY=1', 'STATUS=serving'], { NOTIFY_SOCKET: address }), true);
    };
    assert.equal(await received(address, send), 'READY=1\nSTATUS=serving', address);
  }
});

test('notifyManager() is quiet without a manager and throws when the manager is gone', () => {
  assert.equal(notifyManager(['READY=1'], {}), false);
  assert.equal(notifyManager(['READY=1'], { NOTIFY_SOCKET: 'vsock:2:1' }), false);
  const gone = { NOTIFY_SOCKET: '/no/such/socket' };
  assert.throws(() => notifyManager(['READY=1'], gone), { code: 'ENOENT', syscall: 'sendto' });
  assert.throws(() => notifyManager(['READY=1'], { NOTIFY_SOCKET: `/${'x'.repeat(200)}` }), { code: 'EINVAL' });
});
