/** The streams of a process as FIFOs that we make: the shim has their other ends. */
import { lstat, mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { errnoOf } from '#/base/errors.ts';
import { openFifo } from '#/linux/fifo.ts';
import { mkfifo } from '#/linux/mknod.ts';

/** What Tasks.Create and Tasks.Exec are told. An empty path is /dev/null. */
export interface StreamPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

export const noStreams: StreamPaths = { stdin: '', stdout: '', stderr: '', terminal: false };

export interface ProcessStreams extends AsyncDisposable {
  readonly paths: StreamPaths;
  /** They end when the process and all that inherited its output have ended. */
  readonly stdout: Socket;
  /** None with a terminal, where both are one. */
  readonly stderr: Socket | undefined;
  /** Waits for the shim to read. */
  readonly openStdin: (signal: AbortSignal) => Promise<Socket>;
}

export interface StreamsWish {
  readonly directory: string;
  /** Of the process: names the FIFOs. */
  readonly name: string;
  readonly terminal: boolean;
}

const noReader = 'ENXIO';
const longestPause = 100;

/** FIFOs in a new directory below the given one, whose removal is somebody else's. */
export async function makeFifos({ directory, name, terminal }: StreamsWish): Promise<StreamPaths> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const own = await mkdtemp(join(directory, 's'));
  const paths = pathsIn(own, name, terminal);
  for (const path of [paths.stdin, paths.stdout, paths.stderr]) if (path !== '') await mkfifo(path, 0o700);
  return paths;
}

/** The same, opened; closing takes the directory away. */
export async function openStreams(wish: StreamsWish): Promise<ProcessStreams> {
  const paths = await makeFifos(wish);
  const clean = (): Promise<void> => rm(dirname(paths.stdout), { recursive: true, force: true });
  try {
    return await attachStreams(paths, clean);
  } catch (error) {
    await clean();
    throw error;
  }
}

function pathsIn(directory: string, name: string, terminal: boolean): StreamPaths {
  return {
    stdin: join(directory, `${name}-stdin`),
    stdout: join(directory, `${name}-stdout`),
    stderr: terminal ? '' : join(directory, `${name}-stderr`),
    terminal,
  };
}

/** FIFOs that somebody made before. */
export async function attachStreams(paths: StreamPaths, clean: () => Promise<void>): Promise<ProcessStreams> {
  const stdout = await openFifo(paths.stdout, 'read');
  const stderr =
    paths.stderr === '' || paths.stderr === paths.stdout ? undefined : await openFifo(paths.stderr, 'read');
  const ends: Socket[] = [stdout, ...(stderr === undefined ? [] : [stderr])];
  return {
    paths,
    stdout,
    stderr,
    openStdin: async (signal) => {
      const stdin = await openForWriting(paths.stdin, signal);
      ends.push(stdin);
      return stdin;
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of ends) end.destroy();
      await clean();
    },
  };
}

/** Takes away the FIFOs of a process that is gone, and their directory when nothing else is in it. */
export async function removeFifos({ stdin, stdout, stderr }: Omit<StreamPaths, 'terminal'>): Promise<void> {
  const paths = [stdin, stdout, stderr].filter((path) => path.startsWith('/'));
  for (const path of paths) if (await isFifo(path)) await rm(path, { force: true });
  for (const directory of new Set(paths.map((path) => dirname(path)))) await rmdir(directory).catch(() => {});
}

async function isFifo(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isFIFO(),
    () => false,
  );
}

async function openForWriting(path: string, signal: AbortSignal): Promise<Socket> {
  for (let pause = 2; ; pause = Math.min(pause * 2, longestPause)) {
    signal.throwIfAborted();
    try {
      return await openFifo(path, 'write');
    } catch (error) {
      if (errnoOf(error) !== noReader) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
