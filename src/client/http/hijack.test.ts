import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCannedServer, openRawServer } from '#/client/fake-daemon.fixture.ts';
import { hijack, type RawConnection } from '#/client/http/hijack.ts';
import { readAll } from '#/client/read-all.ts';

const attach = { method: 'POST', path: '/containers/a/attach?stream=1', body: '{"Tty":false}' } as const;

async function openRaw(path: string): Promise<RawConnection> {
  const answer = await hijack(path, attach);
  assert(answer.kind === 'raw');
  return answer.connection;
}

for (const [name, head] of [
  [
    '101',
    'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  ],
  ['a bare 200', 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n'],
] as const)
  test(`hijack() carries bytes both ways after ${name}, and output goes on after our end`, async () => {
    await using server = await openRawServer((socket) => {
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.endsWith('{"Tty":false}')) socket.write(`${head}early `);
      });
      socket.on('end', () => {
        assert.match(text, /^POST \/containers\/a\/attach\?stream=1 HTTP\/1\.1\r\n/);
        assert.match(text, /\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/);
        setTimeout(() => socket.end(`late, after ${text.split('{"Tty":false}')[1]}`), 20);
      });
    });
    using connection = await openRaw(server.path);
    assert.equal(connection.contentType, 'application/vnd.docker.raw-stream');
    await connection.write(Buffer.from('typed'));
    connection.closeWrite();
    assert.equal((await readAll(connection.incoming, 1000)).toString(), 'early late, after typed');
  });

test('hijack() hands back a refusal with its body', async () => {
  await using server = await openCannedServer('HTTP/1.1 409 Conflict\r\nContent-Length: 18\r\n\r\n{"message":"no no"}');
  const answer = await hijack(server.path, attach);
  assert(answer.kind === 'refused');
  assert.equal(answer.response.status, 409);
  assert.equal((await readAll(answer.response.body, 100)).toString(), '{"message":"no no"');
  answer.response.close();
});

test('RawConnection.write() waits while the far side does not read', async () => {
  const release = Promise.withResolvers<void>();
  await using server = await openRawServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 UPGRADED\r\n\r\n');
      socket.pause();
      void release.promise.then(() => socket.resume());
    });
  });
  using connection = await openRaw(server.path);
  let written = 0;
  const writing = (async () => {
    for (let count = 0; count < 64; count++) {
      await connection.write(Buffer.alloc(64 * 1024));
      written++;
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert(written < 64, 'everything was written although nobody reads');
  release.resolve();
  await writing;
});

test('RawConnection tells a broken connection from an end', async () => {
  await using server = await openRawServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 UPGRADED\r\n\r\npart', () => socket.end());
    });
  });
  using connection = await openRaw(server.path);
  assert.equal((await readAll(connection.incoming, 100)).toString(), 'part');
  connection.close();
  await assert.rejects(connection.write(Buffer.from('x')), { kind: 'unavailable' });
});
