import type { Socket } from 'node:net';
import { detachFilter } from '#/api/docker/detach-keys.ts';
import type { Hijacked } from '#/api/docker/answer.ts';

export interface SpliceOptions {
  /** Whether the client's bytes go to the process. */
  readonly input: boolean;
  /** Typed by the client, these end the connection and leave the process alone. */
  readonly detachKeys?: Uint8Array;
  onDetach(): void;
  /** What must have happened before the client is told that the streams are over. */
  readonly ended?: Promise<unknown>;
}

/**
 * Joins a client and a process's streams until the process's are over or the client has gone. Each side waits for the
 * other when it is slow; the client's end of input does not end its output.
 */
export async function splice(client: Hijacked, stream: Socket, options: SpliceOptions): Promise<void> {
  const over = Promise.withResolvers<void>();
  stream.on('error', () => stream.destroy());
  stream.on('close', () => over.resolve());
  // A short process may have come and gone before this.
  if (stream.closed) over.resolve();
  client.output.on('error', () => stream.destroy());
  client.output.on('close', () => stream.destroy());
  stream.pipe(client.output, { end: false });
  if (options.input && client.input !== undefined) forwardInput(client.input, client, stream, options);
  else {
    stream.end();
    client.input?.resume();
  }
  await over.promise;
  await options.ended;
  client.output.end();
}

function forwardInput(input: NodeJS.ReadableStream, client: Hijacked, stream: Socket, options: SpliceOptions): void {
  const filter = options.detachKeys === undefined ? undefined : detachFilter(options.detachKeys);
  input.on('data', (data: Buffer) => {
    const { pass, detached } = filter?.push(data) ?? { pass: data, detached: false };
    if (pass.length > 0 && !stream.write(pass)) {
      input.pause();
      stream.once('drain', () => input.resume());
    }
    if (!detached) return;
    options.onDetach();
    stream.destroy();
    client.destroy();
  });
  input.on('end', () => stream.end());
}
