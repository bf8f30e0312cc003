/** Stands before a registry and counts the bytes of blobs that go through. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';

export interface CountingProxy extends AsyncDisposable {
  /** `localhost:PORT`. */
  readonly host: string;
  /** Bytes of each blob that were sent to clients, by digest. */
  readonly blobBytes: ReadonlyMap<string, number>;
  /** Counts from 0 again. */
  forget(): void;
}

export async function startCountingProxy(registry: string): Promise<CountingProxy> {
  const blobBytes = new Map<string, number>();
  const [hostname, port] = registry.split(':');
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method, url: path = '/', headers } = incoming;
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})/.exec(path)?.[1];
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('data', (chunk: Buffer) => {
        if (digest !== undefined) blobBytes.set(digest, (blobBytes.get(digest) ?? 0) + chunk.length);
      });
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const server = createServer(forward).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    host: `localhost:${address.port}`,
    blobBytes,
    forget: () => blobBytes.clear(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
