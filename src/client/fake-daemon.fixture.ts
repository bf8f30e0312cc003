import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A unix socket that a test answers by hand: the network's far side. */
export interface FakeSocket extends AsyncDisposable {
  readonly path: string;
}

/** Each connection is the test's own, byte by byte. */
export function openRawServer(talk: (socket: Socket) => void): Promise<FakeSocket> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    talk(socket);
  });
  return listen(server, () => {
    for (const socket of open) socket.destroy();
  });
}

/** Answers every connection with these bytes, once the request's head is there. */
export function openCannedServer(answer: string | readonly string[]): Promise<FakeSocket> {
  const parts = typeof answer === 'string' ? [answer] : answer;
  return openRawServer((socket) => {
    socket.once('data', () => {
      for (const part of parts) socket.write(Buffer.from(part, 'latin1'));
      socket.end();
    });
  });
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface FakeDaemon extends FakeSocket {
  /** In the order of arrival; pings are left out. */
  readonly seen: readonly SeenRequest[];
}

/** Returns true when it has answered (or will); else the request gets a 404. */
export type Answer = (request: SeenRequest, response: ServerResponse) => boolean | void;

export type Upgrade = (request: SeenRequest, socket: Socket) => void;

/** A daemon of API 1.51 that answers as the test says. */
export async function openFakeDaemon(answer: Answer, upgrade?: Upgrade): Promise<FakeDaemon> {
  const seen: SeenRequest[] = [];
  const server = createHttpServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const request = seenRequest(message, Buffer.concat(chunks));
      if (request.url === '/_ping') {
        response.writeHead(200, { 'Api-Version': '1.51', Ostype: 'linux' }).end('OK');
        return;
      }
      seen.push(request);
      if (answer(request, response) === true) return;
      response.writeHead(404).end(JSON.stringify({ message: `page not found: ${request.url}` }));
    });
  });
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
  });
  server.on('upgrade', (message: IncomingMessage, socket: Socket, head: Buffer) => {
    const request = seenRequest(message, head);
    seen.push(request);
    if (upgrade === undefined) socket.end('HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n');
    else upgrade(request, socket);
  });
  const { path, [Symbol.asyncDispose]: close } = await listen(server, () => {
    for (const socket of open) socket.destroy();
  });
  return { path, seen, [Symbol.asyncDispose]: close };
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): true {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  return true;
}

function seenRequest(message: IncomingMessage, body: Buffer): SeenRequest {
  return { method: message.method ?? '', url: message.url ?? '', headers: message.headers, body };
}

async function listen(server: Server, hangUp: () => void): Promise<FakeSocket> {
  const directory = await mkdtemp(join(tmpdir(), 'fake-daemon-'));
  const path = join(directory, 'docker.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      hangUp();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
