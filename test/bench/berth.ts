/** The release bundle: its daemon, and its command as people call it. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { transform } from 'esbuild';
import { mustRun } from '../support/run-command.ts';
import { startDaemon, type DaemonProcess } from './daemon-process.ts';
import { openLoopWindow, type LoopDelay } from './loop-delay-client.ts';
import type { Place } from './place.ts';

const repository = resolve(import.meta.dirname, '../..');
export const bundle: string = join(repository, 'dist/berthd.js');
export const berthCommand: string = join(repository, 'bin/berth');

export interface Berth extends AsyncDisposable {
  readonly daemon: DaemonProcess;
  readonly root: string;
  /** All gRPC. */
  readonly address: string;
  readonly dockerSocket: string;
  /** Hands the command to this daemon. */
  readonly env: Readonly<Record<string, string>>;
  berth(...args: string[]): Promise<string>;
  /** Does something of which the event loop's delays count. */
  watched<T>(work: () => Promise<T>): Promise<T>;
  /** Of everything watched so far. */
  loopDelay(): LoopDelay | undefined;
}

export interface StartBerth {
  /** Another binary than our own, for a measure that must not share pages with us. */
  readonly node?: string;
  /** Without, nothing of the bench is inside berthd, and `watched` watches nothing. */
  readonly watchLoop?: boolean;
}

export async function startBerth(
  place: Place,
  { node = process.execPath, watchLoop = true }: StartBerth = {},
): Promise<Berth> {
  if (!existsSync(bundle)) throw new Error(`Cannot measure berth: there is no ${bundle}; make it with "npm run build"`);
  const directory = join(place.path, 'berth');
  const [root, state] = [join(directory, 'root'), join(directory, 'run')];
  const loopSocket = join(place.path, 'loop');
  const preload = watchLoop ? ['--import', await writePreload(place)] : [];
  const dockerSocket = join(state, 'docker.sock');
  const daemon = await startDaemon({
    directory,
    file: node,
    args: [...preload, bundle, '--root', root, '--state', state],
    env: { BENCH_LOOP_SOCKET: loopSocket },
    socketPath: dockerSocket,
  });
  // Named so, berth would not start a daemon of its own if ours were gone.
  const env = { BERTH_STATE: '', DOCKER_HOST: `unix://${dockerSocket}` };
  let latest: LoopDelay | undefined;
  return {
    daemon,
    root,
    address: join(state, 'berth.sock'),
    dockerSocket,
    env,
    berth: (...args) => mustRun(berthCommand, args, { env, timeoutMs: 600_000 }),
    watched: async (work) => {
      if (!watchLoop) return await work();
      const closeWindow = await openLoopWindow(loopSocket);
      try {
        return await work();
      } finally {
        latest = await closeWindow();
      }
    },
    loopDelay: () => latest,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** As plain JavaScript, so that berthd does not load Node's TypeScript support on our behalf. */
async function writePreload({ path }: Place): Promise<string> {
  const source = await readFile(join(import.meta.dirname, 'loop-delay.ts'), 'utf8');
  const preload = join(path, 'loop-delay.mjs');
  const { code } = await transform(source, { loader: 'ts' });
  await writeFile(preload, code);
  return preload;
}
