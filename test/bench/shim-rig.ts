/** Shims without a daemon: each of two programs is started, called and measured by one and the same client. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { newToken } from '#/base/ids.ts';
import { silentLogger } from '#/base/log.ts';
import { bundleOf, createBundle, type Bundle } from '#/core/tasks/bundle.ts';
import { startShim, type ShimProgram } from '#/core/tasks/run-shim.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import { dialShim, shimMethods, type ShimClient } from '#/core/tasks/shim-client.ts';
import { Events } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { bindService } from '#/rpc/service.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';
import type { Place } from './place.ts';

const build = resolve(import.meta.dirname, '../../build');

export const shimPrograms: { readonly berth: string; readonly go: string } = {
  berth: join(build, 'containerd-shim-berth-v1'),
  go: '/usr/bin/containerd-shim-runc-v2',
};

export interface ShimRig extends AsyncDisposable {
  /** A container whose shim runs and listens, and which is not yet made. */
  start(args: readonly string[]): Promise<ShimContainer>;
  /** The bundle alone, so that the start of its shim can be measured. */
  prepare(args: readonly string[]): Promise<() => Promise<ShimContainer>>;
}

export interface ShimStreams {
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
}

export interface ShimContainer {
  readonly bundle: Bundle;
  create(streams?: ShimStreams): Promise<void>;
  begin(): Promise<void>;
  /** Resolves to the exit status. */
  wait(): Promise<number>;
  kill(): Promise<void>;
  shimPid(): Promise<number>;
  /** Deletes the task, ends the shim, and takes the bundle away. */
  end(): Promise<void>;
}

/** Files that the containers may read are to be in `<place>/image`, their root. */
export async function openShimRig(place: Place, program: string): Promise<ShimRig> {
  const directory = join(place.path, basename(program));
  const image = await makeImage(place);
  await mkdir(directory, { recursive: true });
  // A copy of its own: pages that others on this machine map too would count by halves.
  const binary = join(directory, basename(program));
  await copyFile(program, binary);
  const namespace = `bench-${newToken(3)}`;
  const socketAddress = join(directory, 'sock');
  const ttrpcAddress = `${socketAddress}.ttrpc`;
  const service = bindService(Events, { forward: () => ({}) });
  const server = createTtrpcServer({ services: [service], logger: silentLogger });
  await server.listen({ path: ttrpcAddress });
  const addresses = { socketAddress, ttrpcAddress, publishBinary: '/bin/true', directories: [] };
  const roots = { root: join(directory, 'root'), state: join(directory, 'run') };
  let count = 0;
  const prepare = async (args: readonly string[]): Promise<() => Promise<ShimContainer>> => {
    const key = { namespace, id: `c${count++}` };
    const bundle = bundleOf(roots, key);
    await createBundle(bundle, { spec: specOf(namespace, key.id, args), shim: binary });
    const log = await openShimLog(bundle, silentLogger);
    return () => startContainer({ binary, bundle, addresses }, { image, log });
  };
  return {
    prepare,
    start: async (args) => (await prepare(args))(),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await removeNamedCgroup(namespace);
    },
  };
}

interface Surroundings {
  readonly image: string;
  readonly log: Disposable;
}

async function startContainer(program: ShimProgram, { image, log }: Surroundings): Promise<ShimContainer> {
  const { bundle } = program;
  const { id, namespace } = bundle.key;
  const client = await dialShim(namespace, await startShim(program, 'legacy', undefined));
  const rootfs = [{ type: 'bind', source: image, options: ['rbind', 'rw'] }];
  return {
    bundle,
    create: async (streams = {}) =>
      void (await client.call(shimMethods.create, { id, bundle: bundle.path, rootfs, ...streams })),
    begin: async () => void (await client.call(shimMethods.start, { id })),
    wait: async () => (await client.call(shimMethods.wait, { id })).exitStatus,
    kill: async () => void (await client.call(shimMethods.kill, { id, signal: 9 })),
    shimPid: async () => (await client.call(shimMethods.connect, { id })).shimPid,
    end: async () => {
      await endContainer(client, bundle);
      log[Symbol.dispose]();
    },
  };
}

async function endContainer(client: ShimClient, bundle: Bundle): Promise<void> {
  const { id } = bundle.key;
  await client.call(shimMethods.delete, { id });
  // It may be gone before it answers.
  await client.call(shimMethods.shutdown, { id }).catch(() => {});
  await client.closed;
  await rm(bundle.path, { recursive: true, force: true });
  await rm(bundle.work, { recursive: true, force: true });
}

/** busybox, in a directory that all containers have for their root. */
async function makeImage({ path }: Place): Promise<string> {
  const image = join(path, 'image');
  if (existsSync(image)) return image;
  await Promise.all(['bin', 'proc', 'dev', 'sys', 'tmp'].map((name) => mkdir(join(image, name), { recursive: true })));
  await copyFile('/bin/busybox', join(image, 'bin/busybox'));
  for (const name of ['cat', 'sleep', 'true']) await symlink('busybox', join(image, 'bin', name));
  return image;
}

function specOf(namespace: string, id: string, args: readonly string[]): Buffer {
  const mount = (destination: string, type: string, options: readonly string[] = []): object => ({
    destination,
    type,
    source: type,
    options,
  });
  const spec = {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/', noNewPrivileges: true },
    root: { path: 'rootfs' },
    mounts: [
      mount('/proc', 'proc', ['nosuid', 'noexec', 'nodev']),
      mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    ],
    linux: {
      cgroupsPath: `/${namespace}/${id}`,
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
    },
  };
  return Buffer.from(JSON.stringify(spec));
}

/** Reads a FIFO to its end with a program that does nothing else. */
export async function readFifo(path: string): Promise<void> {
  const reader = spawn('/bin/dd', [`if=${path}`, 'of=/dev/null', 'bs=1M', 'status=none'], { stdio: 'ignore' });
  const [code] = (await once(reader, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the reader of "${path}" ended with ${code}`);
}
