import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseUnixSockets, takeInheritedSockets } from '#/linux/inherited-sockets.ts';

const manager = `
use IO::Socket::UNIX; use Fcntl;
my $socket = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die;
fcntl($socket, F_SETFD, 0);
die "descriptor " . fileno($socket) unless fileno($socket) == 3;
@ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, 1, "mine");
exec @ARGV[1..$#ARGV];`;

const client = `
import { connect, createServer } from 'node:net';
const { takeInheritedSockets } = await import('#/linux/inherited-sockets.ts');
const sockets = await takeInheritedSockets();
const server = createServer((socket) => socket.end('hello')).listen({ fd: sockets[0].fd }, () => {
  const socket = connect(sockets[0].path);
  socket.on('data', (data) => console.log(JSON.stringify({ sockets, left: process.env.LISTEN_FDS ?? '', data: String(data) })));
  socket.on('close', () => server.close());
});`;

test('takeInheritedSockets() finds the socket that a service manager opened, by its path', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'inherited-'));
  const path = join(directory.path, 'a.sock');
  const { stdout, stderr } = spawnSync(
    'perl',
    ['-e', manager, path, process.execPath, '--input-type=module', '-e', client],
    { encoding: 'utf8', timeout: 30_000 },
  );
  assert.deepEqual(
    JSON.parse(stdout || '0'),
    { sockets: [{ fd: 3, name: 'mine', path }], left: '', data: 'hello' },
    stderr,
  );
});

test('takeInheritedSockets() leaves what is meant for another process, and takes it out of the environment', async () => {
  const environment = { LISTEN_PID: '1', LISTEN_FDS: '2', PATH: '/bin' };
  assert.deepEqual(await takeInheritedSockets(environment), []);
  assert.deepEqual(environment, { PATH: '/bin' });
});

test('parseUnixSockets() reads paths with blanks, and leaves abstract and unbound sockets out', () => {
  const table = `Num       RefCount Protocol Flags    Type St Inode Path
ffff8a7c: 00000002 00000000 00010000 0001 01 21 /run/a b.sock
ffff8a7d: 00000002 00000000 00010000 0001 01 22 @abstract
ffff8a7e: 00000003 00000000 00000000 0001 03 23
`;
  assert.deepEqual([...parseUnixSockets(table)], [['21', '/run/a b.sock']]);
});
