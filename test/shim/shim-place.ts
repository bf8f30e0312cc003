/** Shims without a daemon: started as containerd starts them, called over ttrpc, their events kept. */
import { join } from 'node:path';
import { type MessageShape, fromBinary } from '@bufbuild/protobuf';
import { isKind } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import { silentLogger } from '#/base/log.ts';
import { type Bundle, bundleOf, createBundle, removeBundle } from '#/core/tasks/bundle.ts';
import { deleteByShim, type ShimProgram, startShim } from '#/core/tasks/run-shim.ts';
import { dialShim, type ShimClient, shimMethods } from '#/core/tasks/shim-client.ts';
import { createShimDialects } from '#/core/tasks/shim-dialect.ts';
import { openShimLog } from '#/core/tasks/shim-log.ts';
import { openTaskPlace, processFor, specFor, type TaskPlace } from '#/core/tasks/tasks.fixture.ts';
import { TaskExitSchema, TaskOOMSchema } from '#/gen/containerd/events/task_pb.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { Events } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { anyOfValue, jsonTypeUrls, packJson, packMessage } from '#/rpc/any.ts';
import { bindService } from '#/rpc/service.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';
import { shimBinary } from '../support/shim.ts';
import { until } from '../support/until.ts';

export const berthShim: string = shimBinary;
/** containerd's: Debian's, unless another is named. */
export const foreignShim: string = process.env['BERTH_TEST_FOREIGN_SHIM'] ?? '/usr/bin/containerd-shim-runc-v2';

/** Whose the cgroups are: "systemd", or those that the runtime makes itself. */
const bySystemd = process.env['BERTH_TEST_CGROUPS'] === 'systemd';

/** What a shim told, in its order. `of` is the container, `exec` the process that ended, with its status. */
export interface ToldEvent {
  readonly topic: string;
  readonly of: string;
  readonly exec?: string;
  readonly status?: number;
}

export interface ShimPlace extends AsyncDisposable {
  readonly namespace: string;
  /** The directory on the host that containers have as their root. */
  readonly root: string;
  readonly told: readonly ToldEvent[];
  open(container: ContainerChoice): Promise<ShimContainer>;
}

export interface ContainerChoice {
  /** The shim's program. */
  readonly shim: string;
  readonly args: readonly string[];
  readonly resources?: object;
  /** The OCI runtime; that of `BERTH_TEST_OCI_RUNTIME` if none is named, else the shim's default. */
  readonly runtime?: string;
  /** The runtime only tells of a process that is another's: nothing is killed at the end. */
  readonly isBorrowed?: boolean;
}

/** A container that was created, not started. Its end takes the shim away too, whatever became of it. */
export interface ShimContainer extends AsyncDisposable {
  readonly id: string;
  readonly pid: number;
  readonly shim: ShimClient;
  start(): Promise<void>;
  exec(args: readonly string[]): Promise<string>;
  /** Those about this container. */
  told(): readonly ToldEvent[];
  untilTold(topic: string): Promise<ToldEvent>;
}

export async function openShimPlace(): Promise<ShimPlace> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await openTaskPlace());
  stack.defer(() => removeNamedCgroup(place.namespace));
  const told: ToldEvent[] = [];
  const service = bindService(Events, {
    forward: ({ envelope }) => {
      if (envelope?.event !== undefined) told.push(readEvent(envelope.topic, envelope.event));
      return {};
    },
  });
  const server = stack.use(createTtrpcServer({ services: [service], logger: silentLogger }));
  const ttrpcAddress = join(place.path, 'events.sock');
  await server.listen({ path: ttrpcAddress });
  const lifetime = stack.move();
  return {
    namespace: place.namespace,
    root: place.rootfs[0]?.source ?? '',
    told,
    open: (choice) => openContainer(place, ttrpcAddress, told, choice),
    [Symbol.asyncDispose]: () => lifetime.disposeAsync(),
  };
}

function readEvent(topic: string, { value }: { readonly value: Uint8Array }): ToldEvent {
  if (topic !== '/tasks/exit') return { topic, of: fromBinary(TaskOOMSchema, value).containerId };
  const { containerId, id, exitStatus } = fromBinary(TaskExitSchema, value);
  return { topic, of: containerId, exec: id, status: exitStatus };
}

async function openContainer(
  place: TaskPlace,
  ttrpcAddress: string,
  told: readonly ToldEvent[],
  choice: ContainerChoice,
): Promise<ShimContainer> {
  await using stack = new AsyncDisposableStack();
  const id = `c-${newToken(5)}`;
  const bundle = bundleOf({ root: join(place.path, 'root'), state: place.state }, { namespace: place.namespace, id });
  const spec = specOf(place, id, choice);
  await createBundle(bundle, { spec: Buffer.from(JSON.stringify(spec)), shim: choice.shim });
  stack.defer(() => removeBundle(bundle));
  const addresses = {
    socketAddress: join(place.path, 'no.sock'),
    ttrpcAddress,
    publishBinary: '/bin/true',
    directories: [],
  };
  const program = { binary: choice.shim, bundle, addresses };
  const shim = await openShim(program, choice.isBorrowed === true, stack);
  const options = packMessage(OptionsSchema, {
    binaryName: choice.runtime ?? process.env['BERTH_TEST_OCI_RUNTIME'] ?? '',
    systemdCgroup: bySystemd,
  });
  const { pid } = await shim.call(shimMethods.create, createRequest(place, bundle, anyOfValue(options)));
  const mine = (): readonly ToldEvent[] => told.filter(({ of }) => of === id);
  const lifetime = stack.move();
  return {
    id,
    pid,
    shim,
    start: async () => void (await shim.call(shimMethods.start, { id })),
    exec: async (args) => {
      const execId = `e-${newToken(5)}`;
      const process = packJson(jsonTypeUrls.process, processFor(args));
      await shim.call(shimMethods.exec, { id, execId, spec: anyOfValue(process) });
      await shim.call(shimMethods.start, { id, execId });
      return execId;
    },
    told: mine,
    untilTold: (topic) => until(`event ${topic}`, () => Promise.resolve(mine().find((event) => event.topic === topic))),
    [Symbol.asyncDispose]: () => lifetime.disposeAsync(),
  };
}

type CreateRequest = MessageShape<typeof shimMethods.create.input>;

const createRequest = ({ rootfs }: TaskPlace, { key, path }: Bundle, options: CreateRequest['options']) => ({
  id: key.id,
  bundle: path,
  rootfs: rootfs.map((mount) => ({ ...mount, options: [...mount.options] })),
  ...(options === undefined ? {} : { options }),
});

function specOf({ namespace }: TaskPlace, id: string, { args, resources }: ContainerChoice): object {
  const spec = specFor(namespace, id, args) as { readonly linux: object };
  const cgroupsPath = bySystemd ? `system.slice:${namespace}:${id}` : `/${namespace}/${id}`;
  return { ...spec, linux: { ...spec.linux, cgroupsPath, resources: resources ?? {} } };
}

/** Its end: what is left of the container is killed, and the shim told to go, by itself or by its own `delete`. */
async function openShim(program: ShimProgram, isBorrowed: boolean, stack: AsyncDisposableStack): Promise<ShimClient> {
  const { namespace, id } = program.bundle.key;
  stack.use(await openShimLog(program.bundle, silentLogger));
  const endpoint = await startShim(program, await createShimDialects().of(program.binary), undefined);
  const client = await dialShim(namespace, endpoint);
  stack.defer(async () => {
    const gently = { timeoutMs: 10_000 };
    try {
      if (!isBorrowed) {
        await client.call(shimMethods.kill, { id, signal: 9, all: true }, gently).catch(ignoreEnded);
        await client.call(shimMethods.wait, { id }, gently).catch(ignoreEnded);
      }
      await client.call(shimMethods.delete, { id }, gently).catch(ignoreEnded);
      await client.call(shimMethods.shutdown, { id, now: true }, gently).catch(ignoreEnded);
    } finally {
      client.close();
      await deleteByShim(program, 10_000).catch(ignoreEnded);
    }
  });
  return client;
}

const endings = ['not-found', 'unavailable', 'failed-precondition', 'unknown'] as const;

function ignoreEnded(error: unknown): void {
  if (!endings.some((kind) => isKind(error, kind))) throw error;
}
