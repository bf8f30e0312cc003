import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfig, defaultConfig } from '#/daemon/config/daemon-config.ts';
import { formatConfig, formatMigrated, withPlaces } from '#/daemon/config/format-config.ts';
import { migrate } from '#/daemon/config/migrate.ts';
import { readSettings } from '#/daemon/config/read-settings.ts';
import { parseToml } from '#/daemon/config/toml.ts';

test('formatConfig() prints a default that says what is so without it', () => {
  const { settings, findings } = readSettings(migrate(parseToml(formatConfig({}), 'x')));
  assert.deepEqual(settings, readSettings({}).settings);
  assert.deepEqual([findings.unknown, findings.notFollowed, findings.repeated], [[], [], []]);
});

const proxy = '[proxy_plugins.a]\ntype = "snapshot"\naddress = "/p"\nexports = { root = "/r" }';

test('formatConfig() prints the places in force, and keys that are not followed', () => {
  const document = migrate(parseToml('version = 3\nplugin_dir = "/x"\n[grpc]\ngid = 7\n' + proxy, 'x'));
  const { settings, findings } = readSettings(document);
  const config = completeConfig(settings, { state: '/s', logLevel: 'debug' });
  const printed = formatConfig(withPlaces(document, config), findings.notFollowed);
  assert.match(printed, /^#   plugin_dir$/m);
  assert.match(printed, /^exports = \{ root = "\/r" \}$/m);
  const again = completeConfig(readSettings(migrate(parseToml(printed, 'x'))).settings);
  assert.deepEqual({ ...again, settings: 0 }, { ...config, settings: 0 });
});

test('formatMigrated() keeps all that was set and nothing else', () => {
  const document = migrate(parseToml('version = 2\nfrobnicate = 1\n[grpc]\naddress = "/a"', 'x'));
  assert.deepEqual(parseToml(formatMigrated(document, 2), 'x'), {
    version: 4,
    frobnicate: 1,
    plugins: { 'io.containerd.server.v1.grpc': { address: '/a' } },
  });
});

test('completeConfig() puts the sockets into the state directory', () => {
  const { address, ttrpcAddress, dockerAddress } = defaultConfig({ state: '/s' });
  assert.deepEqual([address, ttrpcAddress, dockerAddress], ['/s/berth.sock', '/s/berth.sock.ttrpc', '/s/docker.sock']);
});

test('completeConfig() lets --address move the socket of shims too', () => {
  const document = migrate(parseToml('version = 3\n[grpc]\naddress = "/g"\n[ttrpc]\naddress = "/t"', 'x'));
  const { settings } = readSettings(document);
  assert.equal(completeConfig(settings).ttrpcAddress, '/t');
  assert.equal(completeConfig(settings, { address: '/a' }).ttrpcAddress, '/a.ttrpc');
});
