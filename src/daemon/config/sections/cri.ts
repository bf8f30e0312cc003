import type { CriAuth, CriRegistry, CriTls } from '#/core/registry/cri-registry.ts';
import { flag, text, texts, whole, path, table } from '#/daemon/config/parsers.ts';
import { defaultRuntime } from '#/oci/runtime-names.ts';
import type { TomlTable } from '#/daemon/config/toml.ts';
import {
  branch,
  known,
  knownKeys,
  names,
  notHere,
  leaf,
  type Nothing,
  type SectionsOf,
} from '#/daemon/config/schema.ts';

/** How containers of a name run; Docker's API takes these names too. */
export interface RuntimeSection {
  readonly runtime_type: string;
  readonly runtime_path: string;
  readonly options: TomlTable;
}

const runtime = branch<RuntimeSection>('', {
  runtime_type: leaf(text, defaultRuntime, 'The name of the shim.'),
  runtime_path: leaf(path, '', 'The path of the shim, in place of its name.'),
  runtime_engine: known(''),
  runtime_root: known(''),
  pod_annotations: known([]),
  container_annotations: known([]),
  privileged_without_host_devices: known(false),
  privileged_without_host_devices_all_devices_allowed: known(false),
  cgroup_writable: known(false),
  base_runtime_spec: known(''),
  cni_conf_dir: known(''),
  cni_max_conf_num: known(0),
  snapshotter: known(''),
  sandboxer: known('podsandbox'),
  disable_pause_image_pull: known(false),
  io_type: known(''),
  options: leaf(table, {}, "For the shim, such as BinaryName of runc's."),
});

export interface CriSettings {
  readonly 'io.containerd.cri.v1.runtime': {
    readonly containerd: { readonly runtimes: Readonly<Record<string, RuntimeSection>> };
  };
  readonly 'io.containerd.cri.v1.images': {
    readonly registry: CriRegistry;
    readonly concurrent_layer_fetch_buffer: number;
  };
}

const auth = branch<CriAuth>('', {
  username: leaf(text, '', ''),
  password: leaf(text, '', ''),
  auth: leaf(text, '', ''),
  identitytoken: leaf(text, '', ''),
});
const tls = branch<CriTls>('', {
  ca_file: leaf(text, '', ''),
  cert_file: leaf(text, '', ''),
  key_file: leaf(text, '', ''),
  insecure_skip_verify: leaf(flag, false, ''),
});

const registry = branch<CriRegistry>('', {
  config_path: leaf(
    text,
    '',
    'Directories of hosts.toml with ":" between them; "" is /etc/containerd/certs.d:/etc/docker/certs.d.',
  ),
  mirrors: names<CriMirror>('', branch<CriMirror>('', { endpoint: leaf(texts, [], '') })),
  configs: names<CriHost>('', branch<CriHost>('', { auth, tls })),
  auths: names<CriAuth>('', auth),
  headers: names<readonly string[]>('', leaf(texts, [], '')),
});

interface CriMirror {
  readonly endpoint: readonly string[];
}

interface CriHost {
  readonly auth: CriAuth;
  readonly tls: CriTls;
}

/** Kubernetes' part of containerd. */
export const criSections: SectionsOf<CriSettings> = {
  'io.containerd.cri.v1.images': branch<CriSettings['io.containerd.cri.v1.images']>('', {
    snapshotter: known('overlayfs'),
    disable_snapshot_annotations: known(true),
    discard_unpacked_layers: known(false),
    max_concurrent_downloads: known(3),
    concurrent_layer_fetch_buffer: leaf(whole, 0, 'As in the transfer section, which is asked first.'),
    image_pull_progress_timeout: known('5m0s'),
    image_pull_with_sync_fs: known(false),
    stats_collect_period: known(10),
    use_local_image_pull: known(false),
    pinned_images: names<unknown>('', known()),
    runtime_platforms: names<Nothing>('', notHere({ platform: '', snapshotter: '' })),
    image_decryption: notHere({ key_model: 'node' }),
    registry,
  }),
  'io.containerd.cri.v1.runtime': branch<CriSettings['io.containerd.cri.v1.runtime']>('', {
    ...knownKeys({
      enable_selinux: false,
      selinux_category_range: 1024,
      max_container_log_line_size: 16384,
      disable_apparmor: false,
      restrict_oom_score_adj: false,
      disable_proc_mount: false,
      unset_seccomp_profile: '',
      tolerate_missing_hugetlb_controller: true,
      disable_hugetlb_controller: true,
      device_ownership_from_security_context: false,
      ignore_image_defined_volumes: false,
      netns_mounts_under_state_dir: false,
      enable_unprivileged_ports: true,
      enable_unprivileged_icmp: true,
      enable_cdi: true,
      enable_criu: true,
      cdi_spec_dirs: ['/etc/cdi', '/var/run/cdi'],
      drain_exec_sync_io_timeout: '0s',
      ignore_deprecation_warnings: [],
      stats_collect_period: '',
      stats_retention_period: '',
      disable_cgroup: false,
      systemd_cgroup: false,
    }),
    containerd: branch<CriSettings['io.containerd.cri.v1.runtime']['containerd']>('', {
      default_runtime_name: known('runc'),
      ignore_blockio_not_enabled_errors: known(false),
      ignore_rdt_not_enabled_errors: known(false),
      no_pivot: known(false),
      default_runtime: known(),
      untrusted_workload_runtime: known(),
      runtimes: names<RuntimeSection>('', runtime, { runc: { runtime_type: defaultRuntime } }),
    }),
    cni: notHere({
      bin_dir: '',
      bin_dirs: ['/opt/cni/bin'],
      conf_dir: '/etc/cni/net.d',
      max_conf_num: 1,
      setup_serially: false,
      conf_template: '',
      ip_pref: '',
      use_internal_loopback: false,
    }),
  }),
  'io.containerd.grpc.v1.cri': branch<Nothing>('', {
    disable_tcp_service: known(true),
    stream_server_address: known('127.0.0.1'),
    stream_server_port: known('0'),
    stream_idle_timeout: known('4h0m0s'),
    enable_tls_streaming: known(false),
    x509_key_pair_streaming: notHere({ tls_cert_file: '', tls_key_file: '' }),
  }),
};
