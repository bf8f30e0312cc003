import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import type { TypedValue } from '#/base/any.ts';
import type { ContainerdClient } from '#/client/containerd/containerd-client.ts';
import { underLease } from '#/client/containerd/lease-work.ts';
import { usersBelow, usersOfSnapshot } from '#/client/containerd/root-users.ts';
import { openSnapshotter } from '#/client/containerd/snapshotter.ts';
import { parseLabels } from '#/cli/ctr/ctr-text.ts';
import { buildSpec } from '#/cli/ctr/run/build-spec.ts';
import type { ContainerFlags, RunFlags } from '#/cli/ctr/run/container-flags.ts';
import { cniExtension, cniNote } from '#/cli/ctr/run/cni-network.ts';
import { devicesFor, lookAtHost } from '#/cli/ctr/run/look-at-host.ts';
import type { PreparedRoot } from '#/cli/ctr/run/prepare-root.ts';
import { readRuntime } from '#/cli/ctr/run/runtime-flags.ts';
import { Containers, type Container } from '#/gen/containerd/services/containers/v1/containers_pb.ts';
import { findUser, type UserFiles } from '#/oci/find-user.ts';
import { specTypeUrl } from '#/oci/runtime-spec.ts';
import { anyOfValue, findAnyOfValue, packJson } from '#/rpc/any.ts';

export interface ContainerWish {
  readonly id: string;
  readonly flags: ContainerFlags & RunFlags;
  readonly args: readonly string[];
  /** Labels that are ours to set. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A container whose spec is a file: it brings everything, so nothing is prepared for it. */
export async function createFromSpecFile(client: ContainerdClient, wish: ContainerWish): Promise<Container> {
  const { flags, id } = wish;
  const spec = await readSpecFile(flags.config ?? '');
  const container = { id, labels: { ...parseLabels(flags.label), ...wish.labels }, spec };
  return await createRecord(client, wish, container);
}

async function readSpecFile(path: string): Promise<TypedValue> {
  try {
    return packJson(specTypeUrl, JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new EngineError('invalid-argument', `Cannot read the runtime spec in "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Snapshot, spec, record, in this order; what fails takes the snapshot with it. */
export async function createContainer(
  client: ContainerdClient,
  root: PreparedRoot,
  wish: ContainerWish,
): Promise<Container> {
  return await underLease(client, async (leased) => {
    const snapshotter = await openSnapshotter(leased, root.snapshotter);
    const hasSnapshot = root.directory === undefined;
    const mounts = hasSnapshot ? await prepareSnapshot(snapshotter, root, wish) : [];
    try {
      const users = root.directory === undefined ? await usersOfSnapshot(mounts) : await usersBelow(root.directory);
      const spec = await specOf(leased.namespace, { root, wish, users });
      const labels = { ...root.labels, ...parseLabels(wish.flags.label), ...wish.labels };
      const placed = hasSnapshot ? { image: root.image, snapshotter: snapshotter.name, snapshotKey: wish.id } : {};
      return await createRecord(leased, wish, { id: wish.id, labels, spec, ...placed });
    } catch (error) {
      if (hasSnapshot) await snapshotter.remove(wish.id).catch(() => {});
      throw error;
    }
  });
}

type Snapshotter = Awaited<ReturnType<typeof openSnapshotter>>;

async function prepareSnapshot(
  snapshotter: Snapshotter,
  { top, snapshotLabels }: PreparedRoot,
  { id }: ContainerWish,
): ReturnType<Snapshotter['prepare']> {
  try {
    return await snapshotter.prepare(id, top, snapshotLabels);
  } catch (error) {
    if (!isKind(error, 'already-exists')) throw error;
    const way = `choose another name, or remove what has it: "berth ctr containers rm ${id}", "berth ctr snapshots rm ${id}"`;
    throw new EngineError('already-exists', `Cannot create container "${id}": the name is in use; ${way}`);
  }
}

interface SpecParts {
  readonly root: PreparedRoot;
  readonly wish: ContainerWish;
  readonly users: UserFiles;
}

async function specOf(namespace: string, { root, wish, users }: SpecParts): Promise<TypedValue> {
  const { flags, id, args } = wish;
  const [host, devices, variables] = await Promise.all([lookAtHost(flags), devicesFor(flags), fileVariables(flags)]);
  const spec = buildSpec({
    namespace,
    id,
    flags,
    args,
    image: root.config,
    user: findUser(flags.user ?? root.config.User ?? '', users),
    rootPath: root.directory ?? '',
    fileVariables: variables,
    devices,
    host,
  });
  const dump = flags['dump-config'];
  if (dump !== undefined) await writeFile(dump, JSON.stringify(spec, undefined, 2));
  return packJson(specTypeUrl, spec);
}

async function fileVariables(flags: ContainerFlags): Promise<string[]> {
  const path = flags['env-file'];
  if (path === undefined) return [];
  const lines = (await readFile(resolve(path), 'utf8')).split(/\r?\n/);
  return lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

interface RecordWish {
  readonly id: string;
  readonly labels: Record<string, string>;
  readonly spec: TypedValue;
  readonly image?: string;
  readonly snapshotter?: string;
  readonly snapshotKey?: string;
}

async function createRecord(client: ContainerdClient, { flags }: ContainerWish, wish: RecordWish): Promise<Container> {
  const runtime = readRuntime(flags, flags.cgroup);
  const options = findAnyOfValue(runtime.options);
  const { container } = await client.call(Containers.method.create, {
    container: {
      ...wish,
      spec: findAnyOfValue(wish.spec) ?? {},
      runtime: { name: runtime.name, ...(options === undefined ? {} : { options }) },
      sandbox: flags.sandbox ?? '',
      ...(flags.cni ? { extensions: { [cniExtension]: anyOfValue(cniNote()) } } : {}),
    },
  });
  if (container === undefined) throw new EngineError('internal', `Cannot create container "${wish.id}": no answer`);
  return container;
}
