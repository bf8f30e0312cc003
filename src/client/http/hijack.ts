import type { Socket } from 'node:net';
import { ByteReader } from '#/client/http/byte-reader.ts';
import { dialUnix } from '#/client/http/dial.ts';
import { failureOf, type HttpResponse } from '#/client/http/exchange.ts';
import { send, sendRequest, type HttpRequest } from '#/client/http/request-writer.ts';
import { framingOf, readBody } from '#/client/http/response-body.ts';
import { readResponseHead, type ResponseHead } from '#/client/http/response-head.ts';

/** A connection that left HTTP behind: bytes both ways, each side closed on its own. */
export interface RawConnection extends Disposable {
  /** What the daemon says these bytes are: raw, or framed by stream. Older daemons do not say. */
  readonly contentType: string;
  /** What arrives, until the other side closes. To be read once. */
  readonly incoming: AsyncIterable<Buffer>;
  /** Waits while the other side does not read. */
  write(data: Uint8Array): Promise<void>;
  /** Ends our side; what the other side sends still arrives. */
  closeWrite(): void;
  close(): void;
}

export type HijackAnswer =
  | { readonly kind: 'raw'; readonly connection: RawConnection }
  | { readonly kind: 'refused'; readonly response: HttpResponse };

/** Asks to upgrade to a raw stream (`Upgrade: tcp`). Both 101 and a bare 200 take the connection over. */
export async function hijack(socketPath: string, request: HttpRequest): Promise<HijackAnswer> {
  const socket = await dialUnix(socketPath, request.signal);
  try {
    const reader = new ByteReader(socket);
    await sendRequest(socket, request, { Connection: 'Upgrade', Upgrade: 'tcp' });
    const head = await readResponseHead(reader);
    if (head.status === 101 || head.status === 200)
      return { kind: 'raw', connection: rawConnection({ request, socket, reader, head }) };
    const close = (): void => void socket.destroy();
    return { kind: 'refused', response: { ...head, body: readBody(reader, framingOf(request.method, head)), close } };
  } catch (error) {
    socket.destroy();
    throw failureOf(request, error);
  }
}

interface Parts {
  readonly request: HttpRequest;
  readonly socket: Socket;
  readonly reader: ByteReader;
  readonly head: ResponseHead;
}

function rawConnection({ request, socket, reader, head }: Parts): RawConnection {
  const close = (): void => void socket.destroy();
  // A 200 that is framed after all (a proxy in between) is unwrapped; a raw one has no framing.
  const framing = head.status === 101 ? ({ kind: 'until-close' } as const) : framingOf(request.method, head);
  return {
    contentType: head.headers.get('content-type') ?? '',
    incoming: untilClosed(request, readBody(reader, framing)),
    write: async (data) => {
      try {
        await send(socket, data);
      } catch (error) {
        throw failureOf(request, error);
      }
    },
    closeWrite: () => void socket.end(),
    close,
    [Symbol.dispose]: close,
  };
}

async function* untilClosed(request: HttpRequest, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  try {
    yield* body;
  } catch (error) {
    throw failureOf(request, error);
  }
}
