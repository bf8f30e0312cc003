import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '#/daemon/config/migrate.ts';
import { parseToml, type TomlTable } from '#/daemon/config/toml.ts';

const migrated = (source: string): TomlTable => migrate(parseToml(source, 'x'));

test('migrate() gives a file without a version, as packages of containerd install it, full names', () => {
  assert.deepEqual(migrated('disabled_plugins = ["cri", "tasks-service"]\n[plugins.cri]\nsandbox_image = "p"'), {
    version: 4,
    disabled_plugins: ['io.containerd.grpc.v1.cri', 'io.containerd.service.v1.tasks-service'],
    plugins: {
      'io.containerd.grpc.v1.cri': {},
      'io.containerd.cri.v1.images': { pinned_images: { sandbox: 'p' } },
      'io.containerd.cri.v1.runtime': {},
    },
  });
});

test("migrate() splits Kubernetes' section of version 2", () => {
  const { plugins } = migrated(`
    version = 2
    [plugins."io.containerd.grpc.v1.cri"]
    enable_selinux = true
    stream_server_port = "10010"
    stats_collect_period = 5
    [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/cni"
    conf_dir = "/net.d"
    [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "kata"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]
    runtime_type = "io.containerd.kata.v2"
    sandbox_mode = "shim"
    [plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]
    endpoint = ["https://mirror.example"]`);
  assert.deepEqual(plugins, {
    'io.containerd.grpc.v1.cri': { stream_server_port: '10010' },
    'io.containerd.cri.v1.images': {
      stats_collect_period: 5,
      registry: { mirrors: { 'docker.io': { endpoint: ['https://mirror.example'] } } },
      snapshotter: 'native',
    },
    'io.containerd.cri.v1.runtime': {
      enable_selinux: true,
      cni: { bin_dirs: ['/cni'], conf_dir: '/net.d' },
      containerd: {
        default_runtime_name: 'kata',
        runtimes: { kata: { runtime_type: 'io.containerd.kata.v2', sandboxer: 'shim' } },
      },
    },
  });
});

test('migrate() renames plugins and moves core scheduling', () => {
  const { plugins } = migrated(`
    version = 2
    [plugins."io.containerd.internal.v1.restart"]
    interval = "3s"
    [plugins."io.containerd.monitor.v1.cgroups"]
    no_prometheus = true
    [plugins."io.containerd.runtime.v2.task"]
    platforms = ["linux/amd64"]
    sched_core = true`);
  assert.deepEqual(plugins, {
    'io.containerd.monitor.container.v1.restart': { interval: '3s' },
    'io.containerd.monitor.task.v1.cgroups': { no_prometheus: true },
    'io.containerd.runtime.v2.task': { platforms: ['linux/amd64'] },
    'io.containerd.shim.v1.manager': { env: ['SCHED_CORE=1'] },
  });
});

test('migrate() makes plugins of the listeners of version 3', () => {
  const document = migrated(`
    version = 3
    [grpc]
    address = "/g.sock"
    gid = 7
    max_recv_message_size = 5
    tcp_address = "127.0.0.1:1"
    tcp_tls_ca = "/ca"
    [debug]
    level = "debug"
    address = "/d.sock"
    uid = 3
    [metrics]
    address = "127.0.0.1:2"
    grpc_histogram = true`);
  assert.deepEqual(document, {
    version: 4,
    debug: { level: 'debug' },
    plugins: {
      'io.containerd.server.v1.grpc': { address: '/g.sock', gid: 7, max_recv_message_size: 5 },
      'io.containerd.server.v1.grpc-tcp': { address: '127.0.0.1:1', tls_ca: '/ca', max_recv_message_size: 5 },
      'io.containerd.server.v1.ttrpc': { gid: 7 },
      'io.containerd.server.v1.debug': { address: '/d.sock', uid: 3 },
      'io.containerd.server.v1.metrics': { address: '127.0.0.1:2' },
      'io.containerd.metrics.v1.grpc-prometheus': { grpc_histogram: true },
    },
  });
});

test('migrate() leaves version 4 as it is, and refuses versions to come', () => {
  const source = 'version = 4\n[grpc]\naddress = "/a"';
  assert.deepEqual(migrated(source), parseToml(source, 'x'));
  assert.throws(() => migrated('version = 5'), { kind: 'invalid-argument', message: /version 5/ });
  assert.throws(() => migrated('version = "2"'), { kind: 'invalid-argument' });
});
