/** A berthd of a test's own: fresh root and state, its sockets beside no other's, everything gone at the end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { removeCgroup } from '#/linux/cgroup.ts';
import { unmountAll } from '#/linux/mount.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { chooseRuntime, type RuntimeChoice } from './test-runtime.ts';

const repository = resolve(import.meta.dirname, '../..');
const patience = 30_000;
/** Of releases that know no other, and for daemons that are configured by their test. */
const usual: RuntimeChoice = { flags: [], env: {} };

export interface Berthd extends AsyncDisposable {
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  readonly address: string;
  readonly dockerHost: string;
  readonly pid: number;
  /** What berthd wrote to its log so far. */
  log(): Promise<string>;
  /** `kill -9`, and until it is gone. */
  crash(): Promise<void>;
  /** SIGTERM, and until it is gone; answers the exit code. */
  stop(): Promise<number | null>;
  /** Starts it again after crash or stop, on the same directories. `tree` is another checkout, from now on. */
  start(tree?: string): Promise<void>;
  /** Starts it again and kills it after so many milliseconds, in the middle of putting things in order. */
  crashWhileStarting(milliseconds: number): Promise<void>;
}

export interface StartOptions {
  /** Called with the directory before the first start, such as to mount a small disk at `root` below it. */
  readonly prepare?: (directory: string) => Promise<void>;
  /** The checkout whose berthd it is; default: this one. */
  readonly tree?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** It is given `config.toml` in its directory, which `prepare` wrote. */
  readonly configured?: boolean;
  /** A directory below its own, where it looks for programs first. */
  readonly programs?: string;
  /** What starts it, such as a command that enters a network namespace. */
  readonly launcher?: readonly string[];
}

/** Starts from the sources, so that tests run without a bundle. */
export async function startBerthd(args: readonly string[] = [], options: StartOptions = {}): Promise<Berthd> {
  const directory = await mkdtemp(join(tmpdir(), 'bt-'));
  await chmod(directory, 0o711);
  const [root, state] = [join(directory, 'root'), join(directory, 'run')];
  const logPath = join(directory, 'log');
  let child: ChildProcess | undefined;
  let tree = options.tree ?? repository;
  const isConfigured = options.configured === true || args.some((word) => word === '-c' || word === '--config');
  const chosen = isConfigured ? usual : await chooseRuntime(directory);
  const programs =
    options.programs === undefined ? {} : { PATH: `${join(directory, options.programs)}:${process.env['PATH']}` };
  const launch = async (): Promise<ChildProcess> => {
    const log = createWriteStream(logPath, { flags: 'a' });
    await once(log, 'open');
    const program = join(tree, 'src/daemon/main.ts');
    const config = options.configured === true ? ['--config', join(directory, 'config.toml')] : [];
    const places = ['--root', root, '--state', state, ...config];
    const own = tree === repository ? chosen : usual;
    const words = [process.execPath, program, ...places, ...own.flags, '--log-level', 'debug', ...args];
    const [file = '', ...rest] = [...(options.launcher ?? []), ...words];
    const launched = spawn(file, rest, {
      cwd: tree,
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, ...own.env, ...programs, ...options.env },
    });
    log.close();
    child = launched;
    return launched;
  };
  const start = async (other = tree): Promise<void> => {
    tree = other;
    await answering(join(state, 'docker.sock'), await launch(), logPath);
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
    return ending.exitCode;
  };
  const daemon: Berthd = {
    directory,
    root,
    state,
    address: join(state, 'berth.sock'),
    dockerHost: `unix://${join(state, 'docker.sock')}`,
    get pid() {
      return child?.pid ?? 0;
    },
    log: () => readFile(logPath, 'utf8'),
    crash: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    start,
    crashWhileStarting: async (milliseconds) => {
      await launch();
      await delay(milliseconds);
      await end('SIGKILL');
    },
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL');
      await removeEverything(directory);
    },
  };
  try {
    await options.prepare?.(directory);
    await start();
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
  return daemon;
}

async function answering(socket: string, child: ChildProcess, logPath: string): Promise<void> {
  const deadline = performance.now() + patience;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await answers(socket)) return;
    await delay(20);
  }
  throw new Error(`berthd does not answer on ${socket}; its log:\n${await readFile(logPath, 'utf8')}`);
}

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path, () => resolve(true));
  socket.on('error', () => resolve(false));
  const result = await promise;
  socket.destroy();
  return result;
}

/** Ends every process that was started for a daemon (its directory is on their command lines), then its mounts and files. */
export async function removeEverything(directory: string): Promise<void> {
  await thawContainers(join(directory, 'run'));
  for (let round = 0; round < 50; round++) {
    const pids = await processesOf(directory);
    if (pids.length === 0) break;
    for (const pid of pids) kill(pid);
    await delay(20);
  }
  await using last = new AsyncDisposableStack();
  last.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  last.defer(async () => {
    const mounts = (await listMounts()).filter(({ target }) => target.startsWith(`${directory}/`));
    for (const { target } of mounts.reverse()) await unmountAll(target);
  });
  // Fails where another daemon's container has the same name; mounts and files go all the same.
  await removeTraces(join(directory, 'run'));
}

/** A process of a paused container dies only when it goes on. */
async function thawContainers(state: string): Promise<void> {
  const bundles = join(state, 'io.containerd.runtime.v2.task');
  for (const namespace of await namesIn(bundles))
    for (const id of await namesIn(join(bundles, namespace)))
      for (const parent of ['berth', namespace]) {
        await writeFile(join('/sys/fs/cgroup/freezer', parent, id, 'freezer.state'), 'THAWED').catch(() => {});
        await writeFile(join('/sys/fs/cgroup', parent, id, 'cgroup.freeze'), '0').catch(() => {});
      }
}

/** What the containers of a daemon have outside its directories: cgroups, and the sockets of Debian's shims. */
async function removeTraces(state: string): Promise<void> {
  const bundles = join(state, 'io.containerd.runtime.v2.task');
  for (const namespace of await namesIn(bundles))
    for (const id of await namesIn(join(bundles, namespace))) {
      const endpoint = await readFile(join(bundles, namespace, id, 'bootstrap.json'), 'utf8').catch(() => '');
      const socket = /"unix:\/\/(\/run\/containerd\/s\/[0-9a-f]{64})"/.exec(endpoint)?.[1];
      if (socket !== undefined) await rm(socket, { force: true });
      for (const hierarchy of ['.', ...(await namesIn('/sys/fs/cgroup'))])
        for (const parent of ['berth', namespace]) await removeCgroup(join('/sys/fs/cgroup', hierarchy, parent, id));
    }
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it went by itself
  }
}

/** Shims, their containers, stdio processes and daemons of one test. */
export async function processesOf(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const owned = await Promise.all(pids.map(async (pid) => ((await mentions(pid, directory)) ? pid : 0)));
  return owned.filter((pid) => pid !== 0 && pid !== process.pid);
}

async function mentions(pid: number, directory: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (commandLine.includes(`${directory}/`)) return true;
  const root = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
  const own = root.split('\n').find((line) => line.split(' ')[4] === '/');
  return own?.includes(`${directory}/`) ?? false;
}
