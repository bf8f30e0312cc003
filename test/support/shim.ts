import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { newToken } from '#/base/ids.ts';
import { silentLogger } from '#/base/log.ts';
import type { ShimEndpoint } from '#/core/tasks/shim-answer.ts';
import { parseShimAnswer } from '#/core/tasks/shim-answer.ts';
import type { ShimClient } from '#/core/tasks/shim-client.ts';
import { dialShim, shimMethods } from '#/core/tasks/shim-client.ts';
import type { TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { openTaskPlace, processFor, specFor } from '#/core/tasks/tasks.fixture.ts';
import type { MountSchema } from '#/gen/containerd/types/mount_pb.ts';
import { Events as TtrpcEvents } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import type { CreateTaskRequestSchema } from '#/gen/containerd/task/v2/shim_pb.ts';
import { DeleteResponseSchema } from '#/gen/containerd/task/v2/shim_pb.ts';
import type { DeleteResponse } from '#/gen/containerd/task/v2/shim_pb.ts';
import { openFifo } from '#/linux/fifo.ts';
import { mkfifo } from '#/linux/mknod.ts';
import { unmountAll } from '#/linux/mount.ts';
import { isAlive } from '#/linux/process.ts';
import type { RunResult } from '#/linux/spawn.ts';
import { run } from '#/linux/spawn.ts';
import { anyOfValue, jsonTypeUrls, packJson } from '#/rpc/any.ts';
import { bindService } from '#/rpc/service.ts';
import type { TtrpcCallOptions } from '#/rpc/ttrpc-client.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';
import { untilTrue } from './until.ts';

export const shimBinary: string = resolve(process.env['BERTH_TEST_SHIM'] ?? 'build/containerd-shim-berth-v1');

/** Where a test has its shims: a place with a busybox root, and a daemon's end for events. */
export interface ShimPlace extends AsyncDisposable {
  readonly place: TaskPlace;
  readonly namespace: string;
  /** "topic id" of every event so far, in their order. */
  readonly events: readonly string[];
  /** Makes a bundle for a container that runs `args`; `change` may alter its spec. */
  bundle(args: readonly string[], change?: (spec: Spec) => void): Promise<ShimBundle>;
}

export interface Spec {
  annotations?: Record<string, string>;
  process: Record<string, unknown>;
  linux: { namespaces: { type: string; path?: string }[]; resources?: unknown };
}

export interface ShimBundle {
  readonly id: string;
  readonly path: string;
  /** Runs a command of the shim in the bundle. */
  command(
    action: string,
    options?: { input?: Uint8Array; env?: NodeJS.ProcessEnv; flags?: string[] },
  ): Promise<RunResult>;
  /** Starts the shim, or finds that of its group, and connects to it. */
  start(input?: Uint8Array): Promise<Shim>;
  /** The command `delete`, and what it prints. */
  remove(): Promise<DeleteResponse>;
  fifo(name: string): Promise<Fifo>;
}

export interface Shim {
  readonly id: string;
  readonly endpoint: ShimEndpoint;
  readonly pid: number;
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: TtrpcCallOptions,
  ): Promise<MessageShape<O>>;
  close(): void;
}

/** Creates the container of a bundle on the busybox root, with what else is asked for. */
export async function createTask(
  shims: ShimPlace,
  { id, path }: ShimBundle,
  shim: Shim,
  wish: MessageInitShape<typeof CreateTaskRequestSchema> = {},
): Promise<{ readonly pid: number }> {
  return await shim.call(task.create, { id, bundle: path, rootfs: rootfsOf(shims), ...wish });
}

/** A container of its own shim that runs `args`. */
export async function startTask(
  shims: ShimPlace,
  args: readonly string[],
  change?: (spec: Spec) => void,
): Promise<{ readonly id: string; readonly bundle: ShimBundle; readonly shim: Shim; readonly pid: number }> {
  const bundle = await shims.bundle(args, change);
  const { id } = bundle;
  const shim = await bundle.start();
  const { pid } = await createTask(shims, bundle, shim);
  await shim.call(task.start, { id });
  return { id, bundle, shim, pid };
}

/** A process of the runtime spec, as Exec takes it. */
export const execSpec = (args: readonly string[]): Any => anyOfValue(packJson(jsonTypeUrls.process, processFor(args)));

/** A FIFO of the client's, which is read from its making on. */
export interface Fifo {
  readonly path: string;
  /** All that came until its last writer has closed it. */
  readonly text: Promise<string>;
}

export const task: typeof shimMethods = shimMethods;

/** The mounts of the busybox root, as Create takes them. */
export const rootfsOf = ({ place }: ShimPlace): MessageInitShape<typeof MountSchema>[] =>
  place.rootfs.map(({ type, source, options }) => ({ type, source, options: [...options] }));

export async function openShimPlace(binary: string = shimBinary): Promise<ShimPlace> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openTaskPlace());
  const events: string[] = [];
  const bundles: string[] = [];
  const address = join(place.path, 'd.sock');
  const server = stack.use(createTtrpcServer({ services: [eventService(events)], logger: silentLogger }));
  await server.listen({ path: `${address}.ttrpc` });
  stack.defer(async () => {
    for (const path of bundles) await clearBundle({ place, address, binary }, path);
    await rmdir(join('/run/containerd/runc', place.namespace)).catch(() => {});
  });
  const lifetime = stack.move();
  return {
    place,
    namespace: place.namespace,
    events,
    bundle: async (args, change) => {
      const bundle = await makeBundle({ place, address, binary }, args, change);
      bundles.push(bundle.path);
      return bundle;
    },
    [Symbol.asyncDispose]: () => lifetime.disposeAsync(),
  };
}

const eventService = (events: string[]): ReturnType<typeof bindService> =>
  bindService(TtrpcEvents, {
    forward: ({ envelope }) => {
      events.push(`${envelope?.topic} ${containerOf(envelope?.event?.value)}`);
      return {};
    },
  });

/** Whose shims they are: `address` is the daemon's socket. */
interface Host {
  readonly place: TaskPlace;
  readonly address: string;
  readonly binary: string;
}

/** Of every event of a task: its first field. */
const containerOf = (value: Uint8Array = Buffer.of()): string =>
  Buffer.from(value).toString('utf8', 2, 2 + (value[1] ?? 0));

async function makeBundle(
  host: Host,
  args: readonly string[],
  change: (spec: Spec) => void = () => {},
): Promise<ShimBundle> {
  const { place } = host;
  const id = `shim-${newToken(6)}`;
  const path = join(place.path, 'b', id);
  await mkdir(join(path, 'rootfs'), { recursive: true });
  const spec = specFor(place.namespace, id, args) as Spec;
  change(spec);
  await writeFile(join(path, 'config.json'), JSON.stringify(spec));
  const command: ShimBundle['command'] = (action, { input, env = {}, flags = [] } = {}) =>
    runShim(host, { id, path, action, input, env, flags });
  return {
    id,
    path,
    command,
    start: async (input) => {
      const result = await command('start', input === undefined ? {} : { input });
      if (result.code !== 0) throw new Error(`start: ${result.stderr.toString()}`);
      return await connectShim(place.namespace, id, parseShimAnswer(result.stdout));
    },
    remove: async () => {
      const result = await command('delete');
      if (result.code !== 0) throw new Error(`delete: ${result.stderr.toString()}`);
      return fromBinary(DeleteResponseSchema, result.stdout);
    },
    fifo: (name) => makeFifo(join(path, name)),
  };
}

interface Command {
  readonly id: string;
  readonly path: string;
  readonly action: string;
  readonly input: Uint8Array | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly flags: readonly string[];
}

async function runShim({ place, address, binary }: Host, command: Command): Promise<RunResult> {
  const { id, path, action, input, env, flags } = command;
  const common = ['-namespace', place.namespace, '-id', id, '-address', address, '-publish-binary', '/bin/true'];
  return await run({
    file: binary,
    args: [...common, ...flags, ...(action === 'delete' ? ['-bundle', path] : []), action],
    env: { ...process.env, MAX_SHIM_VERSION: '2', TTRPC_ADDRESS: `${address}.ttrpc`, ...env },
    cwd: path,
    ...(input === undefined ? {} : { input }),
    timeoutMs: 20_000,
    maxOutput: 1 << 20,
  });
}

export async function connectShim(namespace: string, id: string, endpoint: ShimEndpoint): Promise<Shim> {
  const client: ShimClient = await dialShim(namespace, endpoint);
  const { shimPid } = await client.call(task.connect, { id });
  return {
    id,
    endpoint,
    pid: shimPid,
    call: (method, request, options) => client.call(method, request, options),
    close: () => client.close(),
  };
}

async function makeFifo(path: string): Promise<Fifo> {
  await mkfifo(path, 0o600);
  const said = text(await openFifo(path, 'read'));
  said.catch(() => {});
  return { path, text: said };
}

/** Whatever a test has left: container, mounts, processes, shim. */
async function clearBundle(host: Host, path: string): Promise<void> {
  const id = path.slice(path.lastIndexOf('/') + 1);
  const pid = await shimPidOf(host.place, path);
  if (pid !== undefined && (await isAlive(pid))) {
    process.kill(pid, 'SIGKILL');
    await untilTrue(`end of shim ${pid}`, async () => !(await isAlive(pid)));
  }
  await runShim(host, { id, path, action: 'delete', input: undefined, env: {}, flags: [] }).catch(() => {});
  await unmountAll(join(path, 'rootfs')).catch(() => {});
}

async function shimPidOf(place: TaskPlace, path: string): Promise<number | undefined> {
  const address = await readFile(join(path, 'address'), 'utf8').catch(() => '');
  if (address === '') return undefined;
  const endpoint = { version: 2, address, protocol: 'ttrpc' };
  const shim = await connectShim(place.namespace, '', endpoint).catch(() => undefined);
  shim?.close();
  return shim?.pid;
}
