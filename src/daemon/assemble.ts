/** The only place that wires parts: opens what the configuration names, in rank order, and closes it in reverse. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { now } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import { revision, version } from '#/base/version.ts';
import { openContainerdApi } from '#/api/containerd/open-containerd-api.ts';
import type { DaemonFacts } from '#/api/docker/daemon-facts.ts';
import { openDockerApi } from '#/api/docker/server.ts';
import { openContent } from '#/core/content/open-content.ts';
import { createEvents } from '#/core/events/create-events.ts';
import { openImages } from '#/core/images/open-images.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { Metadata } from '#/core/metadata/contract.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import type { Registry } from '#/core/registry/contract.ts';
import type { Snapshotter, Snapshotters } from '#/core/snapshots/contract.ts';
import { snapshotterOpeners } from '#/core/snapshots/snapshotters.ts';
import { openTasks } from '#/core/tasks/open-tasks.ts';
import { openEngine } from '#/engine/open-engine.ts';
import { findAbilities, type Abilities } from '#/linux/abilities.ts';
import { lockFile } from '#/linux/flock.ts';
import { openMemoryKeeper } from '#/linux/memory.ts';
import type { DaemonConfig } from '#/daemon/config.ts';
import { readHostFacts } from '#/daemon/host-facts.ts';
import { daemonId } from '#/daemon/daemon-id.ts';
import { daemonLauncher, nativeProgram } from '#/daemon/native-files.ts';
import { findRuntime, type RuntimeFacts } from '#/daemon/runtime-facts.ts';

const quietMilliseconds = 2000;

/** Opens a whole daemon. When it resolves, everything is in order and the sockets answer. */
export async function assemble(config: DaemonConfig, logger: Logger): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  await makeDirectories(config);
  stack.use(await lockRoot(config));
  const [abilities, host, runtime, id] = await Promise.all([
    findAbilities(),
    readHostFacts(),
    findRuntime(),
    daemonId(config.root),
  ]);
  requireAbilities(abilities);
  const pluginRoot = (type: string, name: string): string => join(config.root, `io.containerd.${type}.v1.${name}`);
  const temporary = join(config.root, 'tmpmounts');

  const events = createEvents();
  const metadata = stack.use(await openMetadata({ path: join(pluginRoot('metadata', 'sqlite'), 'meta.db'), logger }));
  const content = await openContent({ root: pluginRoot('content', 'content'), metadata, logger });
  const snapshotters = await openSnapshotters(stack, metadata, pluginRoot);
  const layers = stack.use(await openLayers({ temporaryDirectory: temporary, logger }));
  const registry = openRegistry({ logger, userAgent: `berth/${version}` });
  const images = openImages({ metadata, content, snapshotters, layers, registry, events, logger });
  const tasks = stack.use(
    await openTasks({
      root: config.root,
      state: config.state,
      metadata,
      events,
      logger,
      shims: {
        socketAddress: config.address,
        ttrpcAddress: `${config.address}.ttrpc`,
        publishBinary: daemonLauncher(),
      },
    }),
  );
  const engine = stack.use(
    await openEngine({
      metadata,
      events,
      images,
      snapshotters,
      tasks,
      logger,
      host,
      snapshotter: config.snapshotter,
      runtime: config.runtime,
      root: config.root,
      state: config.state,
      stdioBinary: nativeProgram('berth-stdio'),
      cgroupVersion: cgroupVersion(abilities),
    }),
  );

  const memory = stack.use(openMemoryKeeper({ quietMs: quietMilliseconds }));
  const identity = { version: `v${version}`, revision, uuid: id };
  const core = { metadata, events, content, snapshotters, layers, images, tasks, identity, logger, temporary };
  stack.use(
    await openContainerdApi({
      core,
      address: config.address,
      ttrpcAddress: `${config.address}.ttrpc`,
      gid: config.gid,
    }),
  );
  const facts = daemonFacts({ config, abilities, runtime, id, registry });
  stack.use(
    await openDockerApi({
      engine,
      facts,
      path: config.dockerAddress,
      gid: config.gid,
      logger,
      onActivity: () => memory.touch(),
    }),
  );
  memory.touch();
  return stack.move();
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

function requireAbilities({ root, canMount }: Abilities): void {
  if (!root || !canMount)
    throw new EngineError(
      'permission-denied',
      'Cannot start: berthd must be root and allowed to mount (CAP_SYS_ADMIN)',
    );
}

function cgroupVersion({ cgroups }: Abilities): 'v1' | 'hybrid' | 'v2' {
  if (cgroups.version !== 'none') return cgroups.version;
  throw new EngineError(
    'failed-precondition',
    'Cannot start: no cgroup file system is mounted; mount one with "mount -t cgroup2 none /sys/fs/cgroup"',
  );
}

async function openSnapshotters(
  stack: AsyncDisposableStack,
  metadata: Metadata,
  pluginRoot: (type: string, name: string) => string,
): Promise<Snapshotters> {
  const opened = new Map<string, Snapshotter>();
  for (const [name, open] of Object.entries(snapshotterOpeners))
    opened.set(name, stack.use(await open({ root: pluginRoot('snapshotter', name), metadata })));
  return opened;
}

interface FactSources {
  readonly config: DaemonConfig;
  readonly abilities: Abilities;
  readonly runtime: RuntimeFacts;
  readonly id: string;
  readonly registry: Registry;
}

function daemonFacts({ config, abilities, runtime, id, registry }: FactSources): DaemonFacts {
  return {
    version,
    revision,
    id,
    root: config.root,
    socket: config.dockerAddress,
    startedAt: now(),
    cgroupVersion: cgroupVersion(abilities),
    logLevel: config.logLevel,
    runtimePath: runtime.path,
    runtimeVersion: runtime.version,
    checkLogin: (host, credentials, signal) => registry.checkLogin(host, credentials, signal),
  };
}
