/** What the configuration says, in the words of the parts that follow it. */
import { stringify } from 'smol-toml';
import { EngineError } from '#/base/errors.ts';
import type { GarbageSchedule } from '#/core/garbage/contract.ts';
import type { TransferLimits } from '#/core/images/image-parts.ts';
import type { ExpansionLimits } from '#/core/layers/expansion.ts';
import type { CriRegistry } from '#/core/registry/cri-registry.ts';
import type { RegistryConfig } from '#/core/registry/open-registry.ts';
import type { StreamProcessor } from '#/core/layers/stream-processors.ts';
import type { SnapshotterSettings } from '#/core/snapshots/snapshotters.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import { packRuntimeOptions } from '#/core/tasks/pack-runtime-options.ts';
import type { ShimLimits } from '#/core/tasks/context.ts';
import { defaultRuntime } from '#/oci/runtime-names.ts';
import type { Settings } from '#/daemon/config/schema-tree.ts';

export function shimLimits({ timeouts }: Settings): ShimLimits {
  return {
    load: timeouts['io.containerd.timeout.shim.load'],
    cleanup: timeouts['io.containerd.timeout.shim.cleanup'],
    shutdown: timeouts['io.containerd.timeout.shim.shutdown'],
    state: timeouts['io.containerd.timeout.task.state'],
    stats: timeouts['io.containerd.timeout.metrics.shimstats'],
  };
}

export function garbageSchedule({ plugins }: Settings): GarbageSchedule {
  const rules = plugins['io.containerd.gc.v1.scheduler'];
  return {
    pauseThreshold: rules.pause_threshold,
    deletionThreshold: rules.deletion_threshold,
    mutationThreshold: rules.mutation_threshold,
    scheduleDelay: rules.schedule_delay,
    startupDelay: rules.startup_delay,
  };
}

/** containerd takes 0 for "as usual". */
export function messageLimits({ plugins }: Settings): { readonly receive: number; readonly send: number } {
  const usual = 16 << 20;
  const { max_recv_message_size: receive, max_send_message_size: send } = plugins['io.containerd.server.v1.grpc'];
  return { receive: receive || usual, send: send || usual };
}

export function snapshotterSettings({ plugins }: Settings): SnapshotterSettings {
  const overlayfs = plugins['io.containerd.snapshotter.v1.overlayfs'];
  const native = plugins['io.containerd.snapshotter.v1.native'];
  return {
    overlayfs: {
      ...rootPath(overlayfs.root_path),
      upperdirLabel: overlayfs.upperdir_label,
      syncRemove: overlayfs.sync_remove,
      slowChown: overlayfs.slow_chown,
      mountOptions: overlayfs.mount_options,
    },
    native: rootPath(native.root_path),
  };
}

const rootPath = (path: string): { readonly rootPath?: string } => (path === '' ? {} : { rootPath: path });

/** Bytes: what containerd takes for no part at all. */
const smallestPart = 512;
const partsAtOnce = 3;
/** Parts lie in memory until their turn comes. */
const largestPart = 64 << 20;

/** containerd has the directories of hosts.toml twice, and the size of parts; for berth they are one. */
export function registryOptions(settings: Settings): Partial<RegistryConfig> {
  const { config_path: path, concurrent_layer_fetch_buffer: buffer } =
    settings.plugins['io.containerd.transfer.v1.local'];
  const size = buffer || settings.plugins['io.containerd.cri.v1.images'].concurrent_layer_fetch_buffer;
  return {
    cri: criRegistry(settings),
    insecureRegistries: settings.berth.insecure_registries,
    ...(size < smallestPart ? {} : { parts: { size: Math.min(size, largestPart), atOnce: partsAtOnce } }),
    ...(path === '' ? {} : { certificatePath: path }),
  };
}

/** What people are told of the registries that the configuration names. */
export function namedRegistries(settings: Settings): {
  readonly insecure: readonly string[];
  readonly hubMirrors: readonly string[];
} {
  const { mirrors = {} } = criRegistry(settings);
  const hub = mirrors['docker.io'] ?? mirrors['*'];
  return { insecure: settings.berth.insecure_registries, hubMirrors: hub?.endpoint ?? [] };
}

/** The CRI section's registry counts for every face. What its file leaves empty is not set. */
function criRegistry({ plugins }: Settings): CriRegistry {
  const { config_path: path, configs, ...rest } = plugins['io.containerd.cri.v1.images'].registry;
  const hosts = Object.entries(configs ?? {}).map(([host, { auth = {}, tls = {} }]) => [
    host,
    { ...(isSet(auth) ? { auth } : {}), ...(isSet(tls) ? { tls } : {}) },
  ]);
  return { ...rest, ...(path === '' ? {} : { config_path: path }), configs: Object.fromEntries(hosts) };
}

const isSet = (table: object): boolean => Object.values(table).some((value) => value !== '' && value !== false);

/** Throws `invalid-argument` with the name of one that cannot be. */
export function streamProcessors({ stream_processors: sections }: Settings): readonly StreamProcessor[] {
  return Object.entries(sections).map(([id, section]) => {
    if (section.path !== '' && section.returns !== '' && section.accepts.length > 0) return { id, ...section };
    throw new EngineError(
      'invalid-argument',
      `Cannot use stream processor "${id}" of the configuration: it needs "accepts", "returns" and "path"`,
    );
  });
}

/**
 * The runtimes that people's containers may name: OCI runtimes that are there, by the names of their `programs`, and above
 * them what the CRI section names.
 */
export function runtimesOf({ plugins }: Settings, programs: readonly string[]): ReadonlyMap<string, Runtime> {
  const { runtimes } = plugins['io.containerd.cri.v1.runtime'].containerd;
  const named = Object.entries(runtimes).map(([name, { runtime_type: type, runtime_path: path, options }]): Entry => {
    const packed = packRuntimeOptions(type, options, stringify(options));
    return [name, { name: path || type, ...(packed === undefined ? {} : { options: packed }) }];
  });
  return new Map([...programs.map(ociRuntime), ...named]);
}

type Runtime = ContainerRecord['runtime'];
type Entry = [string, Runtime];

function ociRuntime(program: string): Entry {
  const options = packRuntimeOptions(defaultRuntime, { BinaryName: program }, '');
  return [program, { name: defaultRuntime, ...(options === undefined ? {} : { options }) }];
}

/** Variables for shims. */
export function shimEnvironment({ plugins }: Settings): Readonly<Record<string, string>> {
  const { env } = plugins['io.containerd.shim.v1.manager'];
  return Object.fromEntries(env.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
}

export const expansionLimits = ({ berth }: Settings): ExpansionLimits => ({
  ratio: berth.max_layer_ratio,
  size: berth.max_layer_size,
});

/** containerd takes 0 for no limit. */
export function transferLimits({ plugins }: Settings): TransferLimits {
  const { max_concurrent_downloads: downloads, max_concurrent_uploaded_layers: uploads } =
    plugins['io.containerd.transfer.v1.local'];
  const unlimited = Number.MAX_SAFE_INTEGER;
  return { downloads: downloads || unlimited, uploads: uploads || unlimited };
}
