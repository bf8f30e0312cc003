/** For tests: Debian's docker-registry on a free port, and small servers that misbehave on purpose. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TestServer extends AsyncDisposable {
  /** `localhost:PORT`. */
  readonly host: string;
  readonly port: number;
}

export interface TestRegistry extends TestServer {
  readonly directory: string;
}

export const login = { username: 'ann', password: 's3cret pass:word' };
/** bcrypt of the password above, as htpasswd -B writes it. */
const htpasswd = `ann:$2y$05$abcdefghijklmnopqrstuuWqE.ZbojV4lW1JhHwMXr3EQklLDUc6y\n`;

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts docker-registry with its data in a temporary directory; `withLogin` asks for basic auth. */
export async function startRegistry({
  withLogin = false,
}: { readonly withLogin?: boolean } = {}): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-registry-'));
  const port = await freePort();
  await writeFile(join(directory, 'htpasswd'), htpasswd);
  const auth = withLogin ? `auth:\n  htpasswd:\n    realm: test\n    path: ${directory}/htpasswd\n` : '';
  await writeFile(
    join(directory, 'config.yml'),
    `version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: ${directory}/data\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:${port}\n${auth}`,
  );
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await waitForPort(port);
  return {
    host: `localhost:${port}`,
    port,
    directory,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function waitForPort(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  throw new Error(`docker-registry did not start on port ${port}`);
}

/** An HTTP server of the test's own making; with `tls` it speaks https. */
export async function startServer(
  handle: RequestListener,
  tls?: { readonly key: string; readonly cert: string },
): Promise<TestServer> {
  const server = tls === undefined ? createServer(handle) : createTlsServer({ ...tls }, handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `localhost:${port}`,
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A certificate for localhost that signs itself. */
export async function makeCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost';
  const names = 'subjectAltName=DNS:localhost,DNS:registry.test';
  const { stdout } = await run('openssl', [...request.split(' '), '-addext', names, '-keyout', '-', '-out', '-']);
  const key = /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----/.exec(stdout)?.[0] ?? '';
  const cert = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(stdout)?.[0] ?? '';
  return { key, cert };
}
