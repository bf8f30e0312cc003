import { now } from '#/base/clock.ts';
import { EngineError, describeFailure, isKind } from '#/base/errors.ts';
import { newContainerId } from '#/base/ids.ts';
import { findUser } from '#/oci/find-user.ts';
import type { ContainerRecord, ImageRecord } from '#/core/metadata/contract.ts';
import type { ResolvedImage } from '#/core/images/contract.ts';
import { hexOf, type Digest } from '#/oci/digest.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { specTypeUrl, type RuntimeSpec } from '#/oci/runtime-spec.ts';
import { announce, getSnapshotter, type EngineContext } from '#/engine/context.ts';
import { buildSpec } from '#/engine/build-spec.ts';
import { containerDirectory, removeContainerFiles, writeContainerFiles } from '#/engine/container-files.ts';
import {
  asEngineContainer,
  engineExtensions,
  withState,
  type EngineContainer,
  type EngineRecord,
} from '#/engine/container-record.ts';
import { checkName, reserveName } from '#/engine/container-name.ts';
import type { Config, HostConfig } from '#/engine/docker-config.ts';
import { findRuntime } from '#/engine/find-runtime.ts';
import { commandOf, mergeImageConfig } from '#/engine/merge-image-config.ts';
import { randomName } from '#/engine/random-name.ts';
import { readUserFiles } from '#/engine/read-user-files.ts';

export interface CreateContainer {
  /** '' for a name made up. */
  readonly name: string;
  readonly platform?: string;
  readonly config: Config;
  readonly hostConfig: HostConfig;
}

export interface CreatedContainer {
  readonly id: string;
  readonly warnings: readonly string[];
}

const validHostname = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/;

/**
 * Makes a container: record and name in one transaction, then its snapshot, files and spec. Until all is there the
 * record says `creating`, is shown to nobody, and is undone when this fails or the daemon dies. Only the last write is
 * awaited to the disk; it takes those before it along.
 */
export async function createContainer(
  context: EngineContext,
  namespace: string,
  request: CreateContainer,
): Promise<CreatedContainer> {
  const { image, resolved } = await findImage(context, namespace, request);
  const id = newContainerId();
  const merged = mergeImageConfig(request.config, resolved.config.config);
  const config = { ...merged, Hostname: hostnameOf(merged, request.hostConfig, id) };
  const args = commandOf(config);
  const record: Omit<EngineRecord, 'name'> = {
    imageId: image.target.digest,
    config,
    hostConfig: request.hostConfig,
    args,
    restartCount: 0,
  };
  const runtime = await findRuntime(context, request.hostConfig.Runtime);
  const chain = await context.images.unpack(namespace, resolved, context.snapshotter);
  const container = await reserve(context, namespace, { id, name: request.name, image: image.name, record, runtime });
  try {
    const finished = await furnish(context, container, chain);
    announce(context, finished, 'create');
    context.events.publish(namespace, {
      topic: '/containers/create',
      id,
      image: image.name,
      runtime: finished.core.runtime,
    });
    return { id, warnings: warningsOf(request, resolved) };
  } catch (error) {
    await undoCreate(context, container);
    throw describeFailure(`Cannot create container "${container.record.name}"`, error);
  }
}

async function findImage(
  context: EngineContext,
  namespace: string,
  { config, platform }: CreateContainer,
): Promise<{ image: ImageRecord; resolved: ResolvedImage }> {
  const image = await context.images.find(namespace, config.Image);
  if (image === undefined) throw new EngineError('not-found', `No such image: ${config.Image}`);
  const wanted = platform === undefined || platform === '' ? undefined : parsePlatform(platform);
  return { image, resolved: await context.images.resolve(namespace, image.target, wanted) };
}

function hostnameOf(config: Config, hostConfig: HostConfig, id: string): string {
  if (config.Hostname === '') return id.slice(0, 12);
  if (hostConfig.UTSMode === 'host')
    throw new EngineError(
      'invalid-argument',
      `Cannot set hostname "${config.Hostname}": the container shares the host's UTS namespace`,
    );
  if (!validHostname.test(config.Hostname))
    throw new EngineError(
      'invalid-argument',
      `Cannot set hostname ${JSON.stringify(config.Hostname)}: expected letters, digits, "-" and "."`,
    );
  return config.Hostname;
}

async function reserve(
  context: EngineContext,
  namespace: string,
  wish: {
    readonly id: string;
    readonly name: string;
    readonly image: string;
    readonly record: Omit<EngineRecord, 'name'>;
    readonly runtime: ContainerRecord['runtime'];
  },
): Promise<EngineContainer> {
  if (wish.name !== '') checkName(wish.name);
  const core = await context.metadata.write(
    (tx) => {
      const name = wish.name === '' ? randomName((taken) => tx.findName(namespace, taken) !== undefined) : wish.name;
      reserveName(tx, { namespace, name, id: wish.id });
      const record = { ...wish.record, name };
      const time = now();
      const created: ContainerRecord = {
        id: wish.id,
        image: wish.image,
        labels: coreLabels(record),
        runtime: wish.runtime,
        spec: { typeUrl: specTypeUrl, value: new Uint8Array() },
        snapshotter: context.snapshotter,
        snapshotKey: wish.id,
        extensions: engineExtensions(record, { kind: 'creating' }),
        sandbox: '',
        createdAt: time,
        updatedAt: time,
      };
      tx.containers.create(namespace, created);
      return created;
    },
    { durable: false },
  );
  return asEngineContainer(namespace, core);
}

const longestLabel = 4096;

/** Labels that other clients see too; one that is too long for containerd's API stays in the engine's record alone. */
function coreLabels({ config }: EngineRecord): Record<string, string> {
  const fits = ([key, value]: [string, string]): boolean => Buffer.byteLength(key + value) <= longestLabel;
  return Object.fromEntries(Object.entries(config.Labels).filter(fits));
}

/** Snapshot, files and spec; ends with the container in state `created`. */
async function furnish(context: EngineContext, container: EngineContainer, chain: Digest): Promise<EngineContainer> {
  const { namespace, id, record } = container;
  const { config, hostConfig } = record;
  const snapshotter = getSnapshotter(context, container.core.snapshotter);
  const [userFiles, files] = await Promise.all([
    snapshotter
      .prepare(namespace, id, chain, { durable: false })
      .then((mounts) => readUserFiles(context, hexOf(chain), mounts)),
    writeContainerFiles(containerDirectory(context, container), {
      hostname: config.Hostname,
      domainname: config.Domainname,
      network: hostConfig.NetworkMode === 'host' ? 'host' : 'none',
      hostConfig,
    }),
  ]);
  const user = findUser(config.User, userFiles, hostConfig.GroupAdd);
  const runtimeOptions = container.core.runtime.options;
  const request = { id, namespace, config, hostConfig, args: record.args, user, files, runtimeOptions };
  const spec = await buildSpec(context, request);
  return finish(context, container, spec);
}

async function finish(context: EngineContext, container: EngineContainer, spec: RuntimeSpec): Promise<EngineContainer> {
  const { namespace, id } = container;
  const value = new TextEncoder().encode(JSON.stringify(spec));
  const core = await context.metadata.write((tx) => {
    const latest = asEngineContainer(namespace, tx.containers.get(namespace, id));
    const made = {
      ...withState(latest, { kind: 'created', exitCode: 0, error: '' }),
      spec: { typeUrl: specTypeUrl, value },
      updatedAt: now(),
    };
    tx.containers.update(namespace, made);
    return made;
  });
  return asEngineContainer(namespace, core);
}

/** Takes back a container that never came to be; used after a failure and at start after a crash. */
export async function undoCreate(context: EngineContext, container: EngineContainer): Promise<void> {
  const { namespace, id, core } = container;
  await removeContainerFiles(context, container);
  const snapshotter = getSnapshotter(context, core.snapshotter);
  await snapshotter.remove(namespace, core.snapshotKey).catch((error: unknown) => {
    if (!isKind(error, 'not-found')) throw error;
  });
  await context.metadata.write((tx) => {
    if (tx.containers.find(namespace, id) !== undefined) tx.containers.delete(namespace, id);
  });
}

/** What Docker would do and berth cannot do yet, said rather than left out silently. */
function warningsOf({ config, hostConfig }: CreateContainer, resolved: ResolvedImage): string[] {
  const { Volumes, Healthcheck } = resolved.config.config;
  const volumes = Object.keys(Volumes ?? {});
  const checked = Healthcheck?.Test !== undefined && Healthcheck.Test[0] !== 'NONE';
  return [
    ...(hostConfig.NetworkMode === 'default'
      ? [
          'No network was named and berth has no bridge network yet: the container has only its loopback; use --network host or --network none',
        ]
      : []),
    ...(volumes.length > 0
      ? [
          `Image ${config.Image} declares volumes (${volumes.join(', ')}): berth has no volumes yet, so their data stays in the container's own layer`,
        ]
      : []),
    ...(checked ? [`Image ${config.Image} has a health check: berth runs none yet`] : []),
    ...(hostConfig.OomKillDisable && hostConfig.Memory === 0
      ? [
          'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources',
        ]
      : []),
  ];
}
