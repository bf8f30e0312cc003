import type { Socket } from 'node:net';
import { EngineError } from '#/base/errors.ts';

/**
 * Pulls bytes from a socket at the pace of its one reader; what nobody asks for stays in the kernel. The end of the
 * stream is `undefined`; a broken connection throws `unavailable`.
 */
export class ByteReader {
  readonly #socket: Socket;
  #unread: Buffer | undefined;
  #failure: Error | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const wake = (): void => {
      this.#wake?.();
      this.#wake = undefined;
    };
    socket.on('readable', wake);
    socket.on('end', () => {
      this.#ended = true;
      wake();
    });
    socket.on('error', (error: Error) => {
      this.#failure = error;
      wake();
    });
    socket.on('close', () => {
      if (!this.#ended) this.#failure ??= new EngineError('unavailable', 'the connection was closed');
      this.#ended = true;
      wake();
    });
  }

  /** The next bytes, at least one; undefined at the end. */
  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#take();
      if (chunk !== undefined) return chunk;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Puts back what was read too far. */
  unread(chunk: Buffer): void {
    if (chunk.length > 0) this.#unread = this.#unread === undefined ? chunk : Buffer.concat([chunk, this.#unread]);
  }

  /** A line without its CRLF (or LF). Throws when it is longer than `limit` bytes or the stream ends within it. */
  async readLine(limit: number): Promise<string> {
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const chunk = await this.read();
      if (chunk === undefined) throw new EngineError('unavailable', 'the connection ended within a line');
      const end = chunk.indexOf(10);
      parts.push(end < 0 ? chunk : chunk.subarray(0, end));
      length += end < 0 ? chunk.length : end;
      if (length > limit) throw new EngineError('resource-exhausted', `a line is longer than ${limit} bytes`);
      if (end < 0) continue;
      this.unread(chunk.subarray(end + 1));
      const line = Buffer.concat(parts).toString('latin1');
      return line.endsWith('\r') ? line.slice(0, -1) : line;
    }
  }

  #take(): Buffer | undefined {
    const unread = this.#unread;
    if (unread !== undefined) {
      this.#unread = undefined;
      return unread;
    }
    const chunk: unknown = this.#socket.read();
    return Buffer.isBuffer(chunk) && chunk.length > 0 ? chunk : undefined;
  }
}
