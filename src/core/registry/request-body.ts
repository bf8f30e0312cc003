import type { ClientRequest } from 'node:http';
import { EngineError } from '#/base/errors.ts';

/** What a request carries. `read` starts anew on every call, so that a request can be sent again. */
export interface RequestBody {
  readonly size: number;
  /** Goes to the host that it was made for and never to another. */
  readonly secret?: boolean;
  read(): AsyncIterable<Uint8Array>;
}

export function bodyOf(bytes: Uint8Array): RequestBody {
  return {
    size: bytes.byteLength,
    read: async function* () {
      yield bytes;
    },
  };
}

/** Sends exactly the announced bytes, unless `stop` says that the answer is there; `onChunk` tells that some have left. */
export async function writeBody(
  request: ClientRequest,
  body: RequestBody,
  { stop, onChunk }: { readonly stop: AbortSignal; readonly onChunk: () => void },
): Promise<void> {
  let sent = 0;
  for await (const chunk of body.read()) {
    if (request.destroyed || stop.aborted) return;
    sent += chunk.byteLength;
    if (sent > body.size) throw lengthError(body.size, 'more');
    if (!request.write(chunk)) await roomIn(request, stop);
    onChunk();
  }
  if (sent < body.size) throw lengthError(body.size, `${sent}`);
  request.end();
}

async function roomIn(request: ClientRequest, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  request.once('drain', done).once('close', done);
  stop.addEventListener('abort', done, { once: true });
  if (request.destroyed || stop.aborted) resolve();
  await promise;
  request.off('drain', done).off('close', done);
  stop.removeEventListener('abort', done);
}

function lengthError(announced: number, got: string): EngineError {
  return new EngineError('data-loss', `Cannot send a body of ${announced} bytes: its source gave ${got}`);
}
