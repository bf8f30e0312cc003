import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { migrate } from '#/daemon/config/migrate.ts';
import { readSettings, type ReadSettings } from '#/daemon/config/read-settings.ts';
import { parseToml } from '#/daemon/config/toml.ts';

const read = (source: string): ReadSettings => readSettings(migrate(parseToml(source, 'x')));
const fixture = (name: string): Promise<string> => readFile(join(import.meta.dirname, 'fixtures', name), 'utf8');

test('readSettings() takes the full default of containerd 1.6 and knows every key of it', async () => {
  const { settings, findings } = read(await fixture('node-1.6.toml'));
  assert.deepEqual(findings.unknown, []);
  assert.equal(settings.root, '/var/lib/containerd');
  assert.equal(settings.plugins['io.containerd.server.v1.grpc'].address, '/run/containerd/containerd.sock');
  assert(findings.repeated.length > 50);
});

test('readSettings() takes the full default of containerd 2.2: nothing in it is unknown, and only its pause image asks for what is not here', async () => {
  const { findings } = read(await fixture('node-2.2.toml'));
  assert.deepEqual(findings.unknown, []);
  assert.deepEqual(findings.notFollowed, ['plugins."io.containerd.cri.v1.images".pinned_images.sandbox']);
});

test('readSettings() tells unknown keys from those that containerd knows, with the name that was meant', () => {
  const { findings } = read(`
    version = 2
    oom_scores = 3
    [grpc]
    adress = "/a"
    [plugins."io.containerd.grpc.v1.cri"]
    enable_selinux = true
    enable_tls_streaming = false
    frobnicate = 1
    [plugins."com.example.other"]
    a = 1
    b = 2`);
  assert.deepEqual(findings.unknown.toSorted(byKey), [
    { key: 'oom_scores', nearest: 'oom_score' },
    { key: 'plugins."com.example.other"' },
    { key: 'plugins."io.containerd.cri.v1.runtime".frobnicate' },
    {
      key: 'plugins."io.containerd.server.v1.grpc".adress',
      nearest: 'plugins."io.containerd.server.v1.grpc".address',
    },
  ]);
  assert.deepEqual(findings.notFollowed, ['plugins."io.containerd.cri.v1.runtime".enable_selinux']);
  assert.deepEqual(findings.repeated, ['plugins."io.containerd.grpc.v1.cri".enable_tls_streaming']);
});

test('readSettings() refuses mistakes with their key', () => {
  const refuses = (source: string, message: RegExp): void =>
    assert.throws(() => read(`version = 3\n${source}`), { kind: 'invalid-argument', message });
  refuses('root = "here"', /root .*"here" is no absolute path/);
  refuses('root = 7', /root .*expected a text, found 7/);
  refuses('debug = 1', /debug .*expected a table/);
  refuses('[debug]\nlevel = "loud"', /debug\.level .*"loud"/);
  refuses('[timeouts]\n"io.containerd.timeout.task.state" = "soon"', /task\.state" .*such as "10s"/);
  refuses('disabled_plugins = ["cri"]', /disabled_plugins .*full names/);
  refuses('oom_score = 1001', /oom_score .*-1000 to 1000/);
  refuses('[grpc]\ntcp_address = "0.0.0.0:1"', /grpc-tcp"\.address .*unix sockets alone/);
  refuses('[grpc]\ngid = -1', /\.gid .*whole number/);
});

test('readSettings() reads times as Go writes them', () => {
  const state = (written: string): number =>
    read(`version = 3\n[timeouts]\n"io.containerd.timeout.task.state" = "${written}"`).settings.timeouts[
      'io.containerd.timeout.task.state'
    ];
  assert.deepEqual(
    ['2s', '1m30s', '100ms', '1.5h', '0', '', '5us'].map(state),
    [2000, 90_000, 100, 5_400_000, 0, 0, 0.005],
  );
});

const byKey = (left: { readonly key: string }, right: { readonly key: string }): number =>
  left.key < right.key ? -1 : 1;
