import { Socket } from 'node:net';
import { addon } from '#/linux/addon.ts';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { checkCall } from '#/linux/errno-error.ts';

/** Descriptors of a new pipe, closed in children unless they are handed on. Whoever asks closes them, by `closeDescriptor`. */
export interface PipeEnds {
  readonly read: number;
  readonly write: number;
}

export function openPipe(): PipeEnds {
  const ends = new Int32Array(2);
  checkCall(addon().makePipe(ends), 'pipe2');
  const [read = -1, write = -1] = ends;
  return { read, write };
}

/** A pipe between a child, which gets `fd`, and `stream` here. */
export interface ChildPipe extends Disposable {
  readonly fd: number;
  readonly stream: Socket;
  /** Closes `fd` here, once the child has it: else the stream never ends. */
  release(): void;
}

export function openChildPipe(direction: 'from-child' | 'to-child'): ChildPipe {
  const { read, write } = openPipe();
  const fromChild = direction === 'from-child';
  const fd = fromChild ? write : read;
  const stream = new Socket({ fd: fromChild ? read : write, readable: fromChild, writable: !fromChild });
  let open = true;
  const release = (): void => {
    if (open) closeDescriptor(fd);
    open = false;
  };
  const dispose = (): void => {
    release();
    stream.destroy();
  };
  return { fd, stream, release, [Symbol.dispose]: dispose };
}

/** Everything that comes before the stream ends, breaks or is destroyed; it is destroyed when `fits` says no. */
export function collectOutput(stream: Socket, fits: (bytes: number) => boolean): Promise<Buffer> {
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => {
    if (fits(piece.length)) pieces.push(piece);
    else stream.destroy();
  });
  stream.on('error', () => stream.destroy());
  return new Promise((resolve) => stream.once('close', () => resolve(Buffer.concat(pieces))));
}
