/** Real registries, the real docker, skopeo and ctr, and one certs.d directory for berthd and ctr. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  login,
  makeAuthority,
  startRegistry,
  type Authority,
  type TestRegistry,
} from '#/core/registry/registry.fixture.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { mustRun, runCommand, type CommandResult } from '../support/run-command.ts';

const cleaning = new AsyncDisposableStack();
let daemon: Berthd;
let certs: string;
let authority: Authority;
/** Wants a client certificate and a login. */
let guarded: TestRegistry;
let open: TestRegistry;
/** A pull-through cache of `open`. */
let cache: TestRegistry;

const environment = (): Record<string, string> => ({
  DOCKER_HOST: daemon.dockerHost,
  DOCKER_CONFIG: join(daemon.directory, 'docker-config'),
});
const docker = async (...args: string[]): Promise<string> =>
  await mustRun('/usr/bin/docker', args, { env: environment() });
const tryDocker = async (...args: string[]): Promise<CommandResult> =>
  await runCommand('/usr/bin/docker', args, { env: environment() });

async function writeHosts(name: string, text: string): Promise<void> {
  await mkdir(join(certs, name), { recursive: true });
  await writeFile(join(certs, name, 'hosts.toml'), text);
}

async function configure(directory: string): Promise<void> {
  certs = join(directory, 'certs.d');
  await mkdir(certs);
  await writeFile(
    join(directory, 'config.toml'),
    `version = 3
[plugins."io.containerd.transfer.v1.local"]
concurrent_layer_fetch_buffer = 100000
[plugins."io.containerd.cri.v1.images".registry]
config_path = "/no/such/place:${certs}"
`,
  );
}

before(async () => {
  authority = cleaning.use(await makeAuthority());
  guarded = cleaning.use(await startRegistry({ tls: { authority, clients: true }, withLogin: true }));
  open = cleaning.use(await startRegistry());
  cache = cleaning.use(await startRegistry({ mirrors: `http://${open.host}` }));
  const directory = cleaning.use(await mkdtempDisposable(join(tmpdir(), 'berth-certs-')));
  await configure(directory.path);
  daemon = cleaning.use(await startBerthd(['--config', join(directory.path, 'config.toml')]));
  const input = await makeHelloArchive();
  await mustRun('/usr/bin/docker', ['load', '--quiet'], { env: environment(), input });
  await writeHosts(
    guarded.host,
    `server = "https://${guarded.host}"
[host."https://${guarded.host}"]
ca = "${authority.ca}"
client = [["${authority.client.cert}", "${authority.client.key}"]]
`,
  );
});

after(async () => await cleaning.disposeAsync());

test('docker logs in, pushes and pulls where hosts.toml has the certificates; skopeo reads what was pushed', async () => {
  const name = `${guarded.host}/team/hello:1`;
  await docker('tag', 'hello', name);
  const refused = await tryDocker('push', name);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /there are no credentials for it; log in to "localhost:\d+" first/);
  const wrong = await tryDocker('login', '-u', login.username, '-p', 'wrong', guarded.host);
  assert.match(wrong.stderr, /it refuses the credentials/);
  await docker('login', '-u', login.username, '-p', login.password, guarded.host);
  const pushed = /digest: (sha256:[0-9a-f]{64})/.exec(await docker('push', name))?.[1];
  const read = ['inspect', '--tls-verify=false', '--cert-dir', join(certs, 'skopeo')];
  await mkdir(join(certs, 'skopeo'));
  await mustRun('cp', [authority.client.cert, join(certs, 'skopeo/me.cert')]);
  await mustRun('cp', [authority.client.key, join(certs, 'skopeo/me.key')]);
  const creds = `${login.username}:${login.password}`;
  const inspected = await mustRun('skopeo', [...read, '--creds', creds, '--format', '{{.Digest}}', `docker://${name}`]);
  assert.equal(inspected.trim(), pushed);
  await docker('rmi', name, 'hello');
  assert.match(await docker('pull', name), /Downloaded newer image/);
  await docker('tag', name, 'hello');
});

test('docker pulls through the second of two mirrors, as hosts.toml says now', async () => {
  const image = `${open.host}/library/mirrored:1`;
  await docker('tag', 'hello', image);
  await docker('push', image);
  await writeHosts('docker.io', 'server = "http://localhost:1"\n[host."http://localhost:2"]\n');
  const failed = await tryDocker('pull', 'mirrored:1');
  assert.match(failed.stderr, /HEAD http:\/\/localhost:2\/.*nothing listens there.*; HEAD http:\/\/localhost:1\//);
  await writeHosts(
    'docker.io',
    `server = "http://localhost:1"
[host."http://localhost:2"]
[host."http://${cache.host}"]
capabilities = ["pull", "resolve"]
`,
  );
  assert.match(await docker('pull', 'mirrored:1'), /Downloaded newer image for mirrored:1/);
});

test("Debian's ctr reads the same directory and gets the same image", async () => {
  const ctr = async (...args: string[]): Promise<string> =>
    await mustRun('ctr', ['--address', daemon.address, ...args]);
  const target = async (name: string): Promise<string | undefined> =>
    (await ctr('images', 'ls'))
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.match(/sha256:[0-9a-f]{64}/)?.[0];
  const name = 'docker.io/library/mirrored:1';
  const byDocker = await target(name);
  await ctr('images', 'rm', name);
  await ctr('images', 'pull', '--hosts-dir', certs, name);
  assert.equal(await target(name), byDocker);
  const guardedName = `${guarded.host}/team/hello:1`;
  const user = `${login.username}:${login.password}`;
  await ctr('images', 'pull', '--hosts-dir', certs, '--user', user, guardedName);
  assert.equal(await target(guardedName), byDocker);
});
