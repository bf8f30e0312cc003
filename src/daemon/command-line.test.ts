import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommandLine } from '#/daemon/command-line.ts';

test("readCommandLine() knows containerd's short forms", () => {
  const command = readCommandLine(['-c', '/c.toml', '-a', '/a.sock', '-l', 'debug', '--state', '/s']);
  assert.deepEqual(command, {
    kind: 'serve',
    configPath: '/c.toml',
    flags: { address: '/a.sock', logLevel: 'debug', state: '/s' },
  });
  for (const word of ['default', 'dump', 'migrate'])
    assert.equal(readCommandLine(['config', word]).kind, `config-${word}`);
});

test('readCommandLine() reads publish as shims call it', () => {
  const words = ['--address', '/a.sock', 'publish', '--topic', '/tasks/exit', '--namespace', 'k8s.io'];
  assert.deepEqual(readCommandLine(words), {
    kind: 'publish',
    address: '/a.sock',
    topic: '/tasks/exit',
    namespace: 'k8s.io',
  });
  assert.throws(() => readCommandLine(['publish', '--topic', '/a']), {
    kind: 'invalid-argument',
    message: /--address/,
  });
});

test("readCommandLine() leaves a hook's arguments alone", () => {
  assert.deepEqual(readCommandLine(['oci-hook', '--', '/bin/x', '--help', '{{id}}']), {
    kind: 'oci-hook',
    args: ['/bin/x', '--help', '{{id}}'],
  });
  assert.throws(() => readCommandLine(['oci-hook']), { kind: 'invalid-argument' });
});

test('readCommandLine() refuses what it does not know', () => {
  assert.throws(() => readCommandLine(['--fast']), {
    kind: 'invalid-argument',
    message: `Cannot read the command line: Unknown option '--fast'; "berthd --help" lists what there is`,
  });
  assert.throws(() => readCommandLine(['serve']), { kind: 'invalid-argument', message: /no such command/ });
  assert.throws(() => readCommandLine(['-l', 'loud']), { kind: 'invalid-argument' });
  assert.throws(() => readCommandLine(['--topic', 'x']), { kind: 'invalid-argument', message: /berthd publish/ });
});
