import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '#/daemon/config/read-settings.ts';
import { parseToml } from '#/daemon/config/toml.ts';
import { readProxyPlugins, type ProxyPlugin } from '#/daemon/proxy-plugins.ts';

const read = (source: string): ProxyPlugin[] =>
  readProxyPlugins(readSettings(parseToml(source, 'x')).settings.proxy_plugins);

test('readProxyPlugins() takes containerd’s section with short and full types', () => {
  const plugins = read(`
    [proxy_plugins.stargz]
    type = "snapshot"
    address = "/run/stargz.sock"
    platform = "linux/arm64"
    exports = { root = "/var/lib/stargz" }
    capabilities = ["remap-ids"]
    [proxy_plugins.far]
    type = "io.containerd.content.v1"
    address = "unix:///run/far.sock"`);
  assert.deepEqual(plugins, [
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

test('readProxyPlugins() names the plugin of a mistake', () => {
  const refused = (plugin: string, message: RegExp): void =>
    assert.throws(() => read(`[proxy_plugins]\n"a b" = ${plugin}`), { kind: 'invalid-argument', message });
  refused('{ address = "/a" }', /"a b" .*its type is none of/);
  refused('{ type = "snap", address = "/a" }', /but "snap"/);
  refused('{ type = "toString", address = "/a" }', /its type/);
  refused('{ type = "snapshot" }', /no address/);
  refused('{ type = "snapshot", address = "a.sock" }', /proxy_plugins\."a b"\.address .*no absolute path/);
  refused('{ type = "snapshot", address = "/a", capabilities = [1] }', /capabilities/);
  refused('{ type = "snapshot", address = "/a", exports = { root = 1 } }', /exports/);
  refused('"x"', /a table/);
});
