import type { Socket } from 'node:net';
import { EngineError, errnoOf, kindOf, messageOf } from '#/base/errors.ts';
import { ByteReader } from '#/client/http/byte-reader.ts';
import { dialUnix } from '#/client/http/dial.ts';
import { sendRequest, type HttpRequest } from '#/client/http/request-writer.ts';
import { framingOf, readBody } from '#/client/http/response-body.ts';
import { readResponseHead, type ResponseHead } from '#/client/http/response-head.ts';

/** An answer whose body has yet to be read, once. Reading it to its end, leaving the loop, or `close` frees the socket. */
export interface HttpResponse extends ResponseHead {
  readonly body: AsyncIterable<Buffer>;
  close(): void;
}

/**
 * One request on a connection of its own (a unix socket costs less than keeping one alive safely). Resolves when the
 * head of the answer is here; a body that is still being sent goes on in the background.
 */
export async function exchange(socketPath: string, request: HttpRequest): Promise<HttpResponse> {
  const socket = await dialUnix(socketPath, request.signal);
  try {
    const reader = new ByteReader(socket);
    sendInBackground(socket, request);
    const head = await readResponseHead(reader);
    const framing = framingOf(request.method, head);
    if (framing.kind === 'none') socket.destroy();
    return { ...head, body: framed(request, socket, readBody(reader, framing)), close: () => void socket.destroy() };
  } catch (error) {
    socket.destroy();
    throw failureOf(request, error);
  }
}

/** A daemon may answer before it has read the whole body, so a broken pipe alone is no failure: the answer decides. */
function sendInBackground(socket: Socket, request: HttpRequest): void {
  sendRequest(socket, request, { Connection: 'close' }).catch((error: unknown) => {
    const gone = errnoOf(error) === 'EPIPE' || errnoOf(error) === 'ECONNRESET' || socket.destroyed;
    if (!gone) socket.destroy(error instanceof Error ? error : new Error(String(error)));
  });
}

async function* framed(
  request: HttpRequest,
  socket: Socket,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  try {
    yield* body;
  } catch (error) {
    throw failureOf(request, error);
  } finally {
    socket.destroy();
  }
}

/** Says what was asked for; a caller's own abort is passed on as it is. */
export function failureOf(request: HttpRequest, error: unknown): unknown {
  if (request.signal?.aborted === true) return request.signal.reason;
  const known = kindOf(error);
  const kind = known === 'unknown' && errnoOf(error) !== undefined ? 'unavailable' : known;
  return new EngineError(kind, `Cannot complete ${request.method} ${request.path}: ${messageOf(error)}`, {
    cause: error,
  });
}
