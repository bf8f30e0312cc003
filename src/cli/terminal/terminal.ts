import { isatty, type ReadStream, type WriteStream } from 'node:tty';
import type { TerminalSize } from '#/client/container-payloads.ts';

export const isTerminal = (fd: 0 | 1 | 2): boolean => isatty(fd);

/** The terminal that we write to, if any. */
function screen(): WriteStream | undefined {
  if (process.stdout.isTTY) return process.stdout;
  return process.stderr.isTTY ? process.stderr : undefined;
}

export function terminalSize(): TerminalSize | undefined {
  const stream = screen();
  if (stream === undefined || stream.rows === 0 || stream.columns === 0) return undefined;
  return { rows: stream.rows, columns: stream.columns };
}

/** Tells the new size each time it changes, until disposed. */
export function onResize(tell: (size: TerminalSize) => void): Disposable {
  const stream = screen();
  const listener = (): void => {
    const size = terminalSize();
    if (size !== undefined) tell(size);
  };
  stream?.on('resize', listener);
  return { [Symbol.dispose]: () => void stream?.off('resize', listener) };
}

/** Every key goes to the container; disposing, or the end of the program, gives the shell its terminal back. */
export function enterRawMode(): Disposable {
  const stdin: ReadStream = process.stdin;
  if (!stdin.isTTY) return { [Symbol.dispose]: () => {} };
  const restore = (): void => {
    if (!stdin.destroyed) stdin.setRawMode(false);
  };
  stdin.setRawMode(true);
  process.once('exit', restore);
  return {
    [Symbol.dispose]: () => {
      process.off('exit', restore);
      restore();
    },
  };
}
