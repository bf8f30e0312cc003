import { dirname, join } from 'node:path';
import { logPath } from '#/client/containerd/container-log.ts';
import { noStreams, type StreamPaths } from '#/client/containerd/process-io.ts';

/** Where the streams of a task go: through FIFOs to us, or to what the shim opens by itself. */
export type TaskIo =
  | { readonly kind: 'streams'; readonly directory: string; readonly terminal: boolean }
  | { readonly kind: 'paths'; readonly paths: StreamPaths };

export interface TaskIoWish {
  /** The daemon's socket: FIFOs and logs lie beside it. */
  readonly address: string;
  readonly namespace: string;
  readonly id: string;
  readonly terminal: boolean;
  readonly nullIo: boolean;
  readonly logUri: string | undefined;
  readonly fifoDirectory: string | undefined;
  readonly detached: boolean;
}

/** A detached command writes a log that `berth ctr logs` reads, unless something else was asked for. */
export function chooseIo(wish: TaskIoWish): TaskIo {
  if (wish.nullIo) return { kind: 'paths', paths: noStreams };
  const own = wish.detached && !wish.terminal && wish.fifoDirectory === undefined ? logUriOf(wish) : undefined;
  const uri = wish.logUri ?? own;
  if (uri !== undefined)
    return { kind: 'paths', paths: { stdin: '', stdout: uri, stderr: uri, terminal: wish.terminal } };
  const directory = wish.fifoDirectory ?? fifoDirectoryOf(wish.address);
  return { kind: 'streams', directory, terminal: wish.terminal };
}

/** `/run/containerd/fifo` for containerd's own socket, as its clients have it. */
export const fifoDirectoryOf = (address: string): string => join(dirname(address), 'fifo');

const logUriOf = (wish: TaskIoWish): string => `file://${encodeURI(logPath(wish, wish.id))}`;
