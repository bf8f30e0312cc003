import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfig } from '#/daemon/config.ts';
import { readCommandLine } from '#/daemon/command-line.ts';
import { formatConfig, parseConfig } from '#/daemon/read-config.ts';

test('parseConfig() takes what formatConfig() writes', () => {
  const config = completeConfig({ state: '/tmp/s', logLevel: 'debug', gid: 7 });
  const read = parseConfig(formatConfig(config), 'x');
  assert.deepEqual([completeConfig(read.config), read.unknownKeys], [config, []]);
});

test('parseConfig() names every key that it does not know', () => {
  const { unknownKeys } = parseConfig(
    'version = 2\noom_score = 0\n[plugins."io.containerd.gc.v1.scheduler"]\npause_threshold = 0.02\n',
    'x',
  );
  assert.deepEqual(unknownKeys, ['oom_score', 'plugins."io.containerd.gc.v1.scheduler".pause_threshold']);
});

test('parseConfig() refuses mistakes with their place', () => {
  assert.throws(() => parseConfig('root = ', 'my.toml'), { kind: 'invalid-argument', message: /"my\.toml": line 1/ });
  assert.throws(() => parseConfig('root = "here"', 'x'), { kind: 'invalid-argument', message: /no absolute path/ });
  assert.throws(() => parseConfig('version = 1', 'x'), { kind: 'invalid-argument', message: /version 1/ });
  assert.throws(() => parseConfig('[debug]\nlevel = "loud"', 'x'), { kind: 'invalid-argument', message: /"loud"/ });
});

test('completeConfig() puts the sockets into the state directory', () => {
  const { address, dockerAddress } = completeConfig({ state: '/s' });
  assert.deepEqual([address, dockerAddress], ['/s/berth.sock', '/s/docker.sock']);
  assert.equal(completeConfig({ state: '/s', address: '/a' }).address, '/a');
});

test("readCommandLine() knows containerd's short forms", () => {
  const command = readCommandLine(['-c', '/c.toml', '-a', '/a.sock', '-l', 'debug', '--state', '/s']);
  assert.deepEqual(command, {
    kind: 'serve',
    configPath: '/c.toml',
    flags: { address: '/a.sock', logLevel: 'debug', state: '/s' },
  });
  assert.equal(readCommandLine(['config', 'default']).kind, 'config-default');
});

test('readCommandLine() refuses what it does not know', () => {
  assert.throws(() => readCommandLine(['--fast']), { kind: 'invalid-argument' });
  assert.throws(() => readCommandLine(['serve']), { kind: 'invalid-argument', message: /no such command/ });
  assert.throws(() => readCommandLine(['-l', 'loud']), { kind: 'invalid-argument' });
});
