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
import type { TlsOptions } from 'node:tls';
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

export interface RegistrySettings {
  /** Asks for basic auth. */
  readonly withLogin?: boolean;
  /** Speaks https, and with `clients` to those only who have a certificate of the authority. */
  readonly tls?: { readonly authority: Authority; readonly clients?: boolean };
  /** Is a pull-through cache of another registry: its URL. */
  readonly mirrors?: string;
}

function configure(directory: string, port: number, { withLogin, tls, mirrors }: RegistrySettings): string {
  return JSON.stringify({
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${directory}/data` }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(tls === undefined
        ? {}
        : {
            tls: {
              certificate: tls.authority.server.cert,
              key: tls.authority.server.key,
              ...(tls.clients === true ? { clientcas: [tls.authority.ca] } : {}),
            },
          }),
    },
    ...(withLogin === true ? { auth: { htpasswd: { realm: 'test', path: `${directory}/htpasswd` } } } : {}),
    ...(mirrors === undefined ? {} : { proxy: { remoteurl: mirrors } }),
  });
}

/** Starts docker-registry with its data in a temporary directory. */
export async function startRegistry(settings: RegistrySettings = {}): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-registry-'));
  const port = await freePort();
  await writeFile(join(directory, 'htpasswd'), htpasswd);
  // JSON is YAML.
  await writeFile(join(directory, 'config.yml'), configure(directory, port, settings));
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

export interface KeyFiles {
  readonly cert: string;
  readonly key: string;
}

/** An authority of one's own, with a certificate for localhost and one for a client: all paths. */
export interface Authority extends AsyncDisposable {
  readonly ca: string;
  readonly server: KeyFiles;
  readonly client: KeyFiles;
}

export async function makeAuthority(): Promise<Authority> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-authority-'));
  const at = (name: string): string => join(directory, name);
  const openssl = async (...args: string[]): Promise<void> => void (await run('openssl', args));
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
  );
  const sign = async (name: string): Promise<KeyFiles> => {
    await openssl(
      'req',
      ...newKey,
      '-subj',
      `/CN=${name}`,
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
    );
    await openssl(
      'x509',
      '-req',
      '-days',
      '2',
      '-copy_extensions',
      'copy',
      '-in',
      at(`${name}.csr`),
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-out',
      at(`${name}.crt`),
    );
    return { cert: at(`${name}.crt`), key: at(`${name}.key`) };
  };
  return {
    ca: at('ca.crt'),
    server: await sign('server'),
    client: await sign('client'),
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true, force: true }),
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
  tls?: TlsOptions & { readonly key: string; readonly cert: string },
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
