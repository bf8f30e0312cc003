/** The only place that wires parts: opens what the configuration names, in rank order, and closes it in reverse. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { revision, version } from '#/base/version.ts';
import { openContainerdApi } from '#/api/containerd/open-containerd-api.ts';
import { openShimEvents } from '#/api/containerd/open-shim-events.ts';
import { openDockerApi } from '#/api/docker/server.ts';
import type { ContentStore } from '#/core/content/contract.ts';
import { openContent } from '#/core/content/open-content.ts';
import type { Events } from '#/core/events/contract.ts';
import { createEvents } from '#/core/events/create-events.ts';
import type { Garbage } from '#/core/garbage/contract.ts';
import { mountSource } from '#/core/garbage/mount-source.ts';
import { openGarbage } from '#/core/garbage/open-garbage.ts';
import type { Images } from '#/core/images/contract.ts';
import { openImages } from '#/core/images/open-images.ts';
import type { Layers } from '#/core/layers/contract.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import type { Mounts } from '#/core/mounts/contract.ts';
import { openMounts } from '#/core/mounts/open-mounts.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import type { Registry } from '#/core/registry/contract.ts';
import { openRestartMonitor } from '#/core/restart/open-restart-monitor.ts';
import { restartPolicies } from '#/core/restart/restart-policy.ts';
import type { Snapshotters } from '#/core/snapshots/contract.ts';
import type { Tasks } from '#/core/tasks/contract.ts';
import { openTasks } from '#/core/tasks/open-tasks.ts';
import { openEngine, type Engine } from '#/engine/open-engine.ts';
import type { RemoteDiffer } from '#/remote/remote-differ.ts';
import { findAbilities } from '#/linux/abilities.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { lockFile } from '#/linux/flock.ts';
import { takeInheritedSockets } from '#/linux/inherited-sockets.ts';
import { openMemoryKeeper } from '#/linux/memory.ts';
import type { UnixAddress } from '#/rpc/unix-listener.ts';
import type { DaemonConfig } from '#/daemon/config/daemon-config.ts';
import { readHostFacts } from '#/daemon/host-facts.ts';
import { daemonId } from '#/daemon/daemon-id.ts';
import { placeListeners, type ListenPlaces } from '#/daemon/listen-places.ts';
import {
  expansionLimits,
  garbageSchedule,
  registryOptions,
  messageLimits,
  shimEnvironment,
  shimLimits,
  runtimesOf,
  snapshotterSettings,
  streamProcessors,
  transferLimits,
} from '#/daemon/module-options.ts';
import { openOptDirectory } from '#/daemon/opt-directory.ts';
import { prepareProcess } from '#/daemon/prepare-process.ts';
import { refuseForeignPlaces } from '#/daemon/foreign-places.ts';
import { openInspection } from '#/daemon/open-inspection.ts';
import { openDiffers } from '#/daemon/open-differs.ts';
import { openSnapshotters } from '#/daemon/open-snapshotters.ts';
import { daemonLauncher, nativeDirectories, nativeProgram } from '#/daemon/native-files.ts';
import { noteUnused, readProxyPlugins } from '#/daemon/proxy-plugins.ts';
import { daemonFacts } from '#/daemon/daemon-facts.ts';
import { cgroupVersion, requireAbilities } from '#/daemon/require-abilities.ts';
import { openPreferredRuntime, type PreferredRuntime } from '#/daemon/preferred-runtime.ts';
import { findOciRuntimes, findRuntime } from '#/daemon/runtime-facts.ts';

const quietMilliseconds = 2000;

/** Opens a whole daemon. When it resolves, everything is in order and the sockets answer. */
export async function assemble(config: DaemonConfig, logger: Logger): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { settings } = config;
  const places = placeListeners(config, await takeInheritedSockets());
  closeUnused(places, logger);
  await refuseForeignPlaces(config);
  await prepareProcess(settings, logger);
  await makeDirectories(config);
  stack.use(await lockRoot(config));
  const optDirectory = await openOptDirectory(config);
  const [abilities, runtime, programs, id] = await Promise.all([
    findAbilities(join(config.state, 'tmpmounts')),
    findRuntime(),
    findOciRuntimes(),
    daemonId(config.root),
  ]);
  requireAbilities(abilities);
  const core = await openCore(stack, { config, listen: places.ttrpc, logger });
  const host = { cgroupVersion: cgroupVersion(abilities), directories: nativeDirectories };
  const preferred = stack.use(openPreferredRuntime({ ...config, ...host, logger }));
  const engine = stack.use(await openEngineOn(core, config, { ...host, preferred, programs, logger }));
  await core.images.recover();
  const restarts = openRestarts(stack, core, { config, logger });

  const memory = stack.use(openMemoryKeeper({ quietMs: quietMilliseconds }));
  const identity = { version: `v${version}`, revision, uuid: id };
  const inspection = stack.use(await openInspection({ ...core, settings, listen: places.debug, logger }));
  const containerdApi = stack.use(
    await openContainerdApi({
      core: {
        ...core,
        ...restarts,
        snapshotter: config.snapshotter,
        identity,
        optDirectory,
        logger,
      },
      listen: places.grpc,
      limits: messageLimits(settings),
      disabled: settings.disabled_plugins,
      required: settings.required_plugins,
      ...(inspection.onHandled === undefined ? {} : { onHandled: inspection.onHandled }),
    }),
  );
  inspection.watchCalls(containerdApi.openCalls);
  const facts = daemonFacts({ config, abilities, runtime, id, registry: core.registry, programs, preferred });
  const onActivity = (): void => memory.touch();
  stack.use(await openDockerApi({ engine, facts, listen: places.docker, logger, onActivity }));
  memory.touch();
  return stack.move();
}

interface Core {
  readonly events: Events;
  readonly metadata: Metadata;
  readonly content: ContentStore;
  readonly snapshotters: Snapshotters;
  readonly layers: Layers;
  readonly differs: readonly ('walking' | RemoteDiffer)[];
  readonly syncsLayers: boolean;
  readonly registry: Registry;
  readonly garbage: Garbage;
  readonly images: Images;
  readonly mounts: Mounts;
  readonly tasks: Tasks;
  readonly temporary: string;
}

interface CoreOptions {
  readonly config: DaemonConfig;
  /** For shims. */
  readonly listen: readonly UnixAddress[];
  readonly logger: Logger;
}

/** The nouns, bottom to top. Tasks that an earlier daemon left are adopted when it resolves. */
async function openCore(stack: AsyncDisposableStack, { config, listen, logger }: CoreOptions): Promise<Core> {
  const { root, state, settings } = config;
  const pluginRoot = (type: string, name: string): string => join(root, `io.containerd.${type}.v1.${name}`);
  const temporary = join(root, 'tmpmounts');
  const events = createEvents();
  const metadata = stack.use(await openMetadata({ path: join(pluginRoot('metadata', 'sqlite'), 'meta.db'), logger }));
  const sharing = settings.plugins['io.containerd.metadata.v1.bolt'].content_sharing_policy;
  const content = await openContent({ root: pluginRoot('content', 'content'), metadata, logger, sharing });
  const proxyPlugins = readProxyPlugins(settings.proxy_plugins);
  noteUnused(proxyPlugins, logger);
  const snapshotters = await openSnapshotters(stack, {
    metadata,
    logger,
    snapshotters: snapshotterSettings(settings),
    proxyPlugins,
    disabled: settings.disabled_plugins,
    pluginRoot,
  });
  await removeTemporaryFiles(temporary);
  const diffing = settings.plugins['io.containerd.service.v1.diff-service'];
  const differs = openDiffers(stack, { proxyPlugins, order: diffing.default });
  const expansion = expansionLimits(settings);
  const layers = stack.use(
    await openLayers({
      temporaryDirectory: join(temporary, 'layers'),
      logger,
      processors: streamProcessors(settings),
      expansion,
    }),
  );
  const registry = openRegistry({ logger, userAgent: `berth/${version}`, ...registryOptions(settings) });
  const schedule = garbageSchedule(settings);
  const garbage = stack.use(openGarbage({ metadata, content, snapshotters, events, logger, schedule }));
  const bounds = { expansion, transfers: transferLimits(settings) };
  const images = openImages({ metadata, content, snapshotters, layers, registry, events, garbage, logger, ...bounds });
  const mounts = stack.use(await openMounts({ root, state, metadata, logger }));
  stack.defer(garbage.addSource(mountSource(metadata, (namespace, name) => mounts.deactivate(namespace, name))));
  const shimEvents = stack.use(await openShimEvents({ listen, logger }));
  const shims = {
    socketAddress: config.address,
    ttrpcAddress: config.ttrpcAddress,
    publishBinary: daemonLauncher(),
    directories: nativeDirectories,
    environment: shimEnvironment(settings),
  };
  const limits = shimLimits(settings);
  const tasks = stack.use(await openTasks({ root, state, metadata, mounts, events, logger, shims, limits }));
  shimEvents.deliverTo(tasks);
  return {
    events,
    metadata,
    content,
    snapshotters,
    layers,
    differs,
    syncsLayers: diffing.sync_fs,
    registry,
    garbage,
    images,
    mounts,
    tasks,
    temporary,
  };
}

/** Containers whose labels say that they are to be running; people's own are the engine's. */
function openRestarts(
  stack: AsyncDisposableStack,
  core: Core,
  { config: { settings }, logger }: { readonly config: DaemonConfig; readonly logger: Logger },
): { readonly restartPolicies?: readonly string[] } {
  const name = 'io.containerd.monitor.container.v1.restart';
  if (settings.disabled_plugins.includes(name)) return {};
  stack.use(openRestartMonitor({ ...core, interval: settings.plugins[name].interval, logger }));
  return { restartPolicies };
}

interface EngineSources {
  readonly cgroupVersion: ReturnType<typeof cgroupVersion>;
  readonly preferred: PreferredRuntime;
  /** OCI runtimes that are installed. */
  readonly programs: readonly string[];
  readonly logger: Logger;
}

async function openEngineOn(
  core: Core,
  { root, state, snapshotter, runtime, settings }: DaemonConfig,
  { preferred, programs, ...rest }: EngineSources,
): Promise<Engine> {
  const host = await readHostFacts();
  const stdioBinary = nativeProgram('berth-stdio');
  const runtimes = runtimesOf(settings, programs);
  const names = { snapshotter, runtime, runtimes, preferRuntime: preferred.prefer };
  return openEngine({ ...core, ...rest, host, ...names, root, state, stdioBinary });
}

function closeUnused({ unused }: ListenPlaces, logger: Logger): void {
  for (const { fd, name, path } of unused) {
    logger.warn('the service manager opened a socket that the configuration does not name', { name, path });
    closeDescriptor(fd);
  }
}

async function makeDirectories({ root, state }: DaemonConfig): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o711 });
  await mkdir(state, { recursive: true, mode: 0o711 });
}

/** One daemon per root: a second one would tear the first one's files apart. */
async function lockRoot({ root }: DaemonConfig): Promise<AsyncDisposable> {
  try {
    return await lockFile(join(root, 'berthd.lock'));
  } catch (cause) {
    throw new EngineError(
      'failed-precondition',
      `Cannot use root "${root}": another berthd runs on it; stop that one, or choose another --root and --state`,
      { cause },
    );
  }
}

/** What an earlier daemon was writing for a client when it died: archives, checkpoints. Mounts are undone by those who made them. */
async function removeTemporaryFiles(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory))
    if (/^(diff|checkpoint)-/.test(name)) await rm(join(directory, name), { recursive: true, force: true });
}
