/**
 * The streams of a process that people look at. Whoever holds them writes the log and serves those who attach, so that they
 * outlive the daemon: the shim itself where it is ours, else a small process of ours beside it.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stdio, StreamHolder } from '#/core/tasks/contract.ts';
import { abandonStdio } from '#/core/tasks/attach-stdio.ts';
import { shimStdio } from '#/core/tasks/shim-stdio.ts';
import { makeStdio, startStdio, type StdioProcess } from '#/core/tasks/stdio-program.ts';

export { type AttachStdio, attachStdio, reopenLog, stdioEnded } from '#/core/tasks/attach-stdio.ts';

export interface LogOptions {
  /** Bytes of one file, after which the next is begun; 0 or absent: no limit. */
  readonly maxSize?: number;
  /** Files in all; absent: 1, which is begun anew at the limit. */
  readonly maxFiles?: number;
  /** Bytes that may wait to be logged, beyond which lines are dropped; absent: the process waits. */
  readonly maxBuffer?: number;
}

export interface WantedStreams {
  /** Where socket and FIFOs are made; the caller's own, and removed by the caller. */
  readonly directory: string;
  /** A log in Docker's json-file format; absent: none. */
  readonly logPath?: string;
  readonly logOptions?: LogOptions;
  /** One stream for all, and no stderr. */
  readonly terminal: boolean;
  readonly openStdin: boolean;
  /** The end of any client's stdin ends the process's. */
  readonly stdinOnce: boolean;
  readonly stderr: boolean;
}

export interface Streams {
  /** For the task that is created or exec'd with these streams. */
  readonly stdio: Stdio;
  /** Where clients attach. */
  readonly socketPath: string;
  /**
   * When it resolves, clients may attach, and miss nothing as long as the process is not started. `added` is the shim's
   * taking the streams: by the creation of a task, or the registration of an exec.
   */
  hold(added: Promise<unknown>): Promise<void>;
  /** Gives the streams up when no process ever got them; else they end with that process. */
  stop(): Promise<void>;
}

export interface StreamsPlace {
  readonly holder: StreamHolder;
  /** Path of berth-stdio. */
  readonly binary: string;
}

const stopLimit = 1000;

/** Makes what a process can be created with. Nobody holds it yet. */
export async function makeStreams(wanted: WantedStreams, { holder, binary }: StreamsPlace): Promise<Streams> {
  const socketPath = join(wanted.directory, 'socket');
  await mkdir(wanted.directory, { recursive: true, mode: 0o700 });
  if (holder === 'shim')
    return {
      stdio: shimStdio(wanted, socketPath),
      socketPath,
      hold: async (added) => void (await added),
      stop: async () => {},
    };
  const options = { ...wanted, binary };
  const stdio = await makeStdio(options);
  let starting: Promise<StdioProcess> | undefined;
  return {
    stdio,
    socketPath,
    // A shim takes ten times as long, and needs no more of it than the FIFOs.
    hold: async () => void (await (starting ??= startStdio(options, stdio))),
    stop: async () => await (await starting?.catch(() => undefined))?.stop(),
  };
}

/** Ends the process that holds the streams in `directory`, of an earlier daemon too, unless somebody writes to them. */
export async function stopStrayStdio(directory: string): Promise<void> {
  const socketPath = join(directory, 'socket');
  await Promise.race([abandonStdio(socketPath), delay(stopLimit, undefined, { ref: false })]);
  await rm(socketPath, { force: true });
}
