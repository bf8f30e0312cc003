import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProxyPlugins } from '#/daemon/proxy-plugins.ts';

const noUnknown = (key: string): void => assert.fail(`"${key}" is said to be unknown`);

test('readProxyPlugins() takes containerd’s section with short and full types', () => {
  const section = {
    stargz: {
      type: 'snapshot',
      address: '/run/stargz.sock',
      platform: 'linux/arm64',
      exports: { root: '/var/lib/stargz' },
      capabilities: ['remap-ids'],
    },
    far: { type: 'io.containerd.content.v1', address: 'unix:///run/far.sock' },
  };
  assert.deepEqual(readProxyPlugins(section, noUnknown), [
    {
      name: 'stargz',
      kind: 'snapshot',
      address: '/run/stargz.sock',
      platform: 'linux/arm64',
      exports: { root: '/var/lib/stargz' },
      capabilities: ['remap-ids'],
    },
    { name: 'far', kind: 'content', address: '/run/far.sock', platform: '', exports: {}, capabilities: [] },
  ]);
});

test('readProxyPlugins() names the key of a mistake, and keys that it does not know', () => {
  const refused = (plugin: unknown, message: RegExp): void =>
    assert.throws(() => readProxyPlugins({ 'a b': plugin }, noUnknown), { kind: 'invalid-argument', message });
  refused({ address: '/a' }, /proxy_plugins\."a b"\.type/);
  refused({ type: 'snap', address: '/a' }, /expected one of "snapshot", .*found "snap"/);
  refused({ type: 'toString', address: '/a' }, /type/);
  refused({ type: 'snapshot', address: 'a.sock' }, /address of the configuration: expected the absolute path/);
  refused({ type: 'snapshot', address: '/a', capabilities: [1] }, /capabilities/);
  refused({ type: 'snapshot', address: '/a', exports: { root: 1 } }, /exports/);
  refused('x', /a table/);
  refused({ type: undefined, address: '/a' }, /type/);
  const unknown: string[] = [];
  readProxyPlugins({ p: { type: 'diff', address: '/a', adress: '/b' } }, (key) => unknown.push(key));
  assert.deepEqual(unknown, ['proxy_plugins.p.adress']);
});
