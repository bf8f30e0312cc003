import { copyFile, mkdir, mkdtempDisposable, readdir, readFile, rmdir, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { silentLogger, type Logger } from '#/base/log.ts';
import { newToken } from '#/base/ids.ts';
import { now } from '#/base/clock.ts';
import type { Events } from '#/core/events/contract.ts';
import { createEvents } from '#/core/events/create-events.ts';
import type { ContainerRecord, Metadata } from '#/core/metadata/contract.ts';
import type { Mounts } from '#/core/mounts/contract.ts';
import { openMounts } from '#/core/mounts/open-mounts.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { CreateTask, Stdio, Tasks } from '#/core/tasks/contract.ts';
import { usualLimits } from '#/core/tasks/context.ts';
import { openTasks } from '#/core/tasks/open-tasks.ts';
import { timeOf } from '#/core/tasks/timestamp.ts';
import { OptionsSchema } from '#/gen/containerd/runc/v1/options_pb.ts';
import { Events as TtrpcEvents } from '#/gen/containerd/services/events/ttrpc/v1/events_pb.ts';
import { defaultRuntime } from '#/oci/runtime-names.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { jsonTypeUrls, packJson, packMessage, valueOfAny } from '#/rpc/any.ts';
import { bindService } from '#/rpc/service.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';

const cgroups = '/sys/fs/cgroup';

/** `BERTH_TEST_RUNTIME`: another shim to try all this with, or an OCI runtime for the default one. */
const wantedRuntime = process.env['BERTH_TEST_RUNTIME'] ?? defaultRuntime;
export const testRuntime: ContainerRecord['runtime'] = wantedRuntime.includes('.')
  ? { name: wantedRuntime }
  : { name: defaultRuntime, options: packMessage(OptionsSchema, { binaryName: programOf(wantedRuntime) }) };

/** gVisor numbers processes for itself, and looks for programs at the start only. */
export const unlikeLinux: string | false = wantedRuntime === 'runsc' && 'gVisor is not alike';

function programOf(name: string): string {
  return name === 'runsc' ? resolve('test/support/runsc') : name;
}

export const stdioBinary: string = resolve('build/berth-stdio');

export const noStdio: Stdio = { terminal: false, stdin: '', stdout: '', stderr: '' };

/** A place for tasks with a busybox root. Its namespace is its own, so tests that run side by side do not meet. */
export interface TaskPlace {
  readonly path: string;
  readonly state: string;
  readonly namespace: string;
  readonly rootfs: CreateTask['rootfs'];
}

export async function openTaskPlace(): Promise<TaskPlace & AsyncDisposable> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'tasks-'));
  const root = join(directory.path, 'image');
  await Promise.all(['bin', 'proc', 'dev', 'sys', 'tmp'].map((name) => mkdir(join(root, name), { recursive: true })));
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  const tools = ['sh', 'true', 'sleep', 'cat', 'stty', 'echo', 'head', 'seq'];
  await Promise.all(tools.map((name) => symlink('busybox', join(root, 'bin', name))));
  const namespace = `test-${newToken(5)}`;
  return {
    path: directory.path,
    state: join(directory.path, 'state'),
    namespace,
    rootfs: [{ type: 'bind', source: root, options: ['rbind', 'rw'] }],
    [Symbol.asyncDispose]: async () => {
      await removeCgroups(namespace);
      await directory.remove();
    },
  };
}

/** The parents of the tasks' cgroups, which the runtime leaves; they go only when they are empty. */
async function removeCgroups(namespace: string): Promise<void> {
  const hierarchies = (await readdir(cgroups)).map((name) => join(cgroups, name, namespace));
  await Promise.all([join(cgroups, namespace), ...hierarchies].map((path) => rmdir(path).catch(() => {})));
}

/** What a daemon would have open over a place. */
export interface TaskDaemon extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly mounts: Mounts;
  readonly events: Events;
  readonly tasks: Tasks;
}

export async function openTaskDaemon(place: TaskPlace, logger: Logger = silentLogger): Promise<TaskDaemon> {
  await using stack = new AsyncDisposableStack();
  await mkdir(place.state, { recursive: true });
  const metadata = stack.use(await openMetadata({ path: join(place.path, 'meta.db') }));
  const mounts = stack.use(await openMounts({ root: place.path, state: place.state, metadata }));
  const events = createEvents();
  const socketAddress = join(place.state, 'berth.sock');
  const ttrpcAddress = `${socketAddress}.ttrpc`;
  const opened = Promise.withResolvers<Tasks>();
  opened.promise.catch(() => {});
  const service = bindService(TtrpcEvents, {
    // Answered at once: a shim that is told to end first waits until its events are taken.
    forward: ({ envelope }) => {
      if (envelope?.event === undefined) return {};
      const { namespace, topic } = envelope;
      const told = { timestamp: timeOf(envelope.timestamp), namespace, topic, event: valueOfAny(envelope.event) };
      void opened.promise.then((tasks) => tasks.forward(told));
      return {};
    },
  });
  const server = stack.use(createTtrpcServer({ services: [service], logger }));
  await server.listen({ path: ttrpcAddress });
  const tasks = stack.use(
    await openTasks({
      root: join(place.path, 'root'),
      state: place.state,
      metadata,
      mounts,
      events,
      shims: { socketAddress, ttrpcAddress, publishBinary: '/bin/true', directories: [resolve('build')] },
      limits: usualLimits,
      logger,
    }),
  );
  opened.resolve(tasks);
  const lifetime = stack.move();
  return { metadata, mounts, events, tasks, [Symbol.asyncDispose]: () => lifetime.disposeAsync() };
}

/** A runtime spec for busybox, with nothing that the test does not need. */
export function specFor(namespace: string, id: string, args: readonly string[], terminal = false): object {
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
  ];
  return {
    ociVersion: '1.0.2',
    process: { ...processFor(args, terminal) },
    root: { path: 'rootfs' },
    hostname: id.slice(0, 12),
    mounts,
    linux: {
      cgroupsPath: `/${namespace}/${id}`,
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
    },
  };
}

export function processFor(args: readonly string[], terminal = false): object {
  const capabilities = ['CAP_KILL', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE'];
  return {
    terminal,
    user: { uid: 0, gid: 0 },
    args,
    env: ['PATH=/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: true,
  };
}

export async function putContainer(
  { metadata }: TaskDaemon,
  namespace: string,
  id: string,
  spec: object,
  runtime?: string,
): Promise<void> {
  const stamp = { labels: {}, createdAt: now(), updatedAt: now() };
  await metadata.write((tx) =>
    tx.containers.create(namespace, {
      ...stamp,
      id,
      image: '',
      runtime: runtime === undefined ? testRuntime : { name: runtime },
      spec: packJson(jsonTypeUrls.spec, spec),
      snapshotter: '',
      snapshotKey: '',
      extensions: {},
      sandbox: '',
    }),
  );
}

/** The topics of all events from now on. */
export interface SeenEvents {
  topics(): readonly string[];
  /** Resolves when one with this topic has come. */
  until(topic: string): Promise<void>;
}

export function eventsOf({ events }: TaskDaemon): SeenEvents {
  const topics: string[] = [];
  const waiting = new Map<string, () => void>();
  const stream = events.subscribe(AbortSignal.timeout(30_000));
  const read = async (): Promise<void> => {
    for await (const { event } of stream) {
      topics.push(event.topic);
      waiting.get(event.topic)?.();
    }
  };
  void read();
  return {
    topics: () => topics,
    until: (topic) => (topics.includes(topic) ? Promise.resolve() : new Promise((done) => waiting.set(topic, done))),
  };
}

export const bundlesIn = ({ state, namespace }: TaskPlace): string =>
  join(state, 'io.containerd.runtime.v2.task', namespace);

async function listOrNothing(path: string): Promise<string[]> {
  return await readdir(path).catch(() => []);
}

export type Traces = Readonly<Record<'bundles' | 'work' | 'mounts' | 'processes' | 'cgroups', readonly string[]>>;

/** Everything outside the database that a task of this place would have left. */
export async function tracesOf(place: TaskPlace): Promise<Traces> {
  const mounts = (await listMounts()).map(({ target }) => target).filter((target) => target.startsWith(place.path));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  const cgroups = await Promise.all(
    (await listOrNothing('/sys/fs/cgroup')).map((name) => listOrNothing(`/sys/fs/cgroup/${name}/${place.namespace}`)),
  );
  return {
    bundles: await listOrNothing(bundlesIn(place)),
    work: await listOrNothing(join(place.path, 'root/io.containerd.runtime.v2.task', place.namespace)),
    mounts,
    processes: commands.filter((command) => command.includes('containerd-shim') && command.includes(place.namespace)),
    cgroups: cgroups.flat().filter((name) => !name.includes('.') && !/^(tasks|notify_on_release)$/.test(name)),
  };
}

export const nothing: Traces = { bundles: [], work: [], mounts: [], processes: [], cgroups: [] };
