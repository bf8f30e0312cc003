import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeldByShim, shimStdio } from '#/core/tasks/shim-stdio.ts';

const plain = { directory: '/s', terminal: false, openStdin: false, stdinOnce: false, stderr: true };

test('shimStdio() gives one URI for each stream that is wanted, and says how to log', () => {
  const bare = 'berth:///s/socket';
  assert.deepEqual(shimStdio(plain, '/s/socket'), { terminal: false, stdin: '', stdout: bare, stderr: bare });
  const wanted = { ...plain, terminal: true, openStdin: true, logPath: '/a&b/log' };
  const logged = 'berth:///s/socket?log=/a%26b/log&format=json-file';
  assert.deepEqual(shimStdio(wanted, '/s/socket'), { terminal: true, stdin: logged, stdout: logged, stderr: '' });
  const { stdout } = shimStdio(
    { ...plain, stdinOnce: true, logPath: '/l', logOptions: { maxSize: 1000, maxFiles: 3, maxBuffer: 4096 } },
    '/s 1/socket',
  );
  assert.equal(
    stdout,
    'berth:///s%201/socket?log=/l&format=json-file&max-size=1000&max-file=3&mode=non-blocking&max-buffer-size=4096&stdin-once=1',
  );
  assert.equal(isHeldByShim({ terminal: false, stdin: '', stdout, stderr: '' }), true);
  assert.equal(isHeldByShim({ terminal: false, stdin: '/fifo', stdout: '/fifo', stderr: '' }), false);
});
