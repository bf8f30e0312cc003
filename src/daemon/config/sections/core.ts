import { formatPlatform, hostPlatform } from '#/oci/platform.ts';
import { duration, flag, oneOf, path, share, text, texts, variables, whole } from '#/daemon/config/parsers.ts';
import { branch, known, leaf, notHere, type SectionsOf, type Nothing, type Leaf } from '#/daemon/config/schema.ts';

export interface CoreSettings {
  readonly 'io.containerd.gc.v1.scheduler': SchedulerSettings;
  readonly 'io.containerd.internal.v1.opt': { readonly path: string };
  readonly 'io.containerd.metadata.v1.bolt': { readonly content_sharing_policy: 'shared' | 'isolated' };
  readonly 'io.containerd.snapshotter.v1.overlayfs': {
    readonly root_path: string;
    readonly upperdir_label: boolean;
    readonly sync_remove: boolean;
    readonly slow_chown: boolean;
    readonly mount_options: readonly string[];
  };
  readonly 'io.containerd.snapshotter.v1.native': { readonly root_path: string };
  readonly 'io.containerd.monitor.container.v1.restart': { readonly interval: number };
  readonly 'io.containerd.monitor.task.v1.cgroups': { readonly no_prometheus: boolean };
  readonly 'io.containerd.transfer.v1.local': {
    readonly config_path: string;
    readonly concurrent_layer_fetch_buffer: number;
    readonly max_concurrent_downloads: number;
    readonly max_concurrent_uploaded_layers: number;
  };
  readonly 'io.containerd.service.v1.diff-service': { readonly default: readonly string[]; readonly sync_fs: boolean };
  readonly 'io.containerd.shim.v1.manager': { readonly env: readonly string[] };
}

interface SchedulerSettings {
  readonly pause_threshold: number;
  readonly deletion_threshold: number;
  readonly mutation_threshold: number;
  readonly schedule_delay: number;
  readonly startup_delay: number;
}

const rootPath: Leaf<string> = leaf(path, '', 'Where its files are; "" is below ROOT.');
type Overlay = CoreSettings['io.containerd.snapshotter.v1.overlayfs'];

/** containerd's plugins that berth has. */
export const coreSections: SectionsOf<CoreSettings> = {
  'io.containerd.gc.v1.scheduler': branch<SchedulerSettings>('When garbage is collected.', {
    pause_threshold: leaf(share, 0.02, 'The share of time that it may take.'),
    deletion_threshold: leaf(whole, 0, 'At once after so many deletions; 0: at the next turn.'),
    mutation_threshold: leaf(whole, 100, 'At the next turn after so many writes; 0: after deletions only.'),
    schedule_delay: leaf(duration, '0s', 'How long to wait when it is asked for.'),
    startup_delay: leaf(duration, '100ms', 'How long after the start; 0: not at the start.'),
  }),
  'io.containerd.internal.v1.opt': branch('Programs that `ctr install` takes out of images, such as runtimes.', {
    path: leaf(path, '', 'Its bin and lib come first where shims are looked for; "" is ROOT/opt.'),
  }),
  'io.containerd.metadata.v1.bolt': branch<CoreSettings['io.containerd.metadata.v1.bolt']>('', {
    content_sharing_policy: leaf(oneOf('shared', 'isolated'), 'shared', 'Who may use the blobs of other namespaces.'),
    no_sync: known(false),
  }),
  'io.containerd.monitor.container.v1.restart': branch<CoreSettings['io.containerd.monitor.container.v1.restart']>('', {
    interval: leaf(duration, '10s', 'How often containers are looked at that have a label with a restart policy.'),
  }),
  'io.containerd.monitor.task.v1.cgroups': branch('Metrics of containers.', {
    no_prometheus: leaf(flag, false, 'Leave them out of /v1/metrics.'),
  }),
  'io.containerd.runtime.v2.task': branch<Nothing>('', {
    platforms: known([formatPlatform(hostPlatform())]),
    sched_core: known(false),
  }),
  'io.containerd.shim.v1.manager': branch<CoreSettings['io.containerd.shim.v1.manager']>('What starts shims.', {
    env: leaf(variables, [], 'Variables for shims, "NAME=VALUE" each.'),
    socket_dir: known(''),
  }),
  'io.containerd.service.v1.diff-service': branch<CoreSettings['io.containerd.service.v1.diff-service']>('', {
    default: leaf(
      texts,
      ['walking'],
      'Who applies and makes layers for clients: "walking" is berth, others are proxies.',
    ),
    sync_fs: leaf(flag, false, 'Write applied layers to the disk before clients hear of it.'),
  }),
  'io.containerd.service.v1.tasks-service': notHere({ blockio_config_file: '', rdt_config_file: '' }),
  'io.containerd.snapshotter.v1.overlayfs': branch<Overlay>('', {
    root_path: rootPath,
    upperdir_label: leaf(flag, false, "Show where a snapshot's own files are as a label."),
    sync_remove: leaf(flag, false, 'Removing a snapshot waits until its files are gone.'),
    slow_chown: leaf(flag, false, 'Change the owners of a copy where the kernel cannot map them.'),
    mount_options: leaf(texts, [], 'For overlay mounts.'),
  }),
  'io.containerd.snapshotter.v1.native': branch<{ readonly root_path: string }>('', { root_path: rootPath }),
  'io.containerd.transfer.v1.local': branch<CoreSettings['io.containerd.transfer.v1.local']>('', {
    max_concurrent_downloads: leaf(whole, 3, 'Layers of one pull at once; 0 is no limit.'),
    concurrent_layer_fetch_buffer: leaf(
      whole,
      0,
      'Bytes of a part when large layers are fetched in parts, three at once: at most 64 MiB; 0 does not.',
    ),
    max_concurrent_uploaded_layers: leaf(whole, 3, 'Layers of one push at once; 0 is no limit.'),
    max_concurrent_unpacks: known(1),
    check_platform_supported: known(false),
    config_path: leaf(text, '', 'Directories of hosts.toml, where the CRI section says nothing.'),
    unpack_config: known(),
  }),
};
