/** The current buildkitd, with its containerd worker on berthd, builds as buildctl asks. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open as openFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newToken } from '#/base/ids.ts';
import { removeNamedCgroup } from '#/linux/cgroup.ts';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { openNetworkNamespace, type NetworkNamespace } from '../support/network-namespace.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { mustRun, runCommand, type CommandResult } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

const tools = findPeerTools();
const { skip } = tools;
const open = new AsyncDisposableStack();
/** Names a cgroup as well. */
const namespace = `builds-${newToken(3)}`;
let network: NetworkNamespace;
let berthd: Berthd;
let registry: TestRegistry;

const place = (name: string): string => join(berthd.directory, 'buildkit', name);
const address = (): string => `unix://${place('buildkitd.sock')}`;
const ctr = (...args: string[]): Promise<string> =>
  mustRun(tools.path('ctr'), ['--address', berthd.address, '--namespace', namespace, ...args]);
const buildctl = (...args: string[]): Promise<CommandResult> =>
  runCommand(tools.path('buildctl'), ['--addr', address(), ...args]);

/** Builds what is in the context; answers the progress. */
async function build(output: string, ...more: string[]): Promise<string> {
  const where = ['--local', `context=${place('context')}`, '--local', `dockerfile=${place('context')}`];
  const how = ['--progress', 'plain', '--frontend', 'dockerfile.v0', ...where, '--output', output, ...more];
  const { code, stderr } = await buildctl('build', ...how);
  assert.equal(code, 0, stderr);
  return stderr;
}

const inside = (file: string, args: readonly string[]): [string, string[]] => {
  const [launcher = '', ...words] = [...network.launcher, file, ...args];
  return [launcher, words];
};

before(async () => {
  if (skip !== false) return;
  open.defer(() => removeNamedCgroup(namespace));
  network = open.use(await openNetworkNamespace());
  berthd = open.use(await startBerthd([], { launcher: network.launcher }));
  registry = open.use(await startRegistry(network.launcher));
  await mkdir(place('context'), { recursive: true });
  await writeFile(place('hello.tar'), await makeHelloArchive());
  const target = [`docker-archive:${place('hello.tar')}`, `docker://${registry.host}/hello:latest`];
  await mustRun(...inside('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', ...target]));
  await writeFile(place('context/file'), 'copied\n');
  await writeFile(
    place('context/Dockerfile'),
    `FROM ${registry.host}/hello:latest AS first
RUN echo built > /built && mkdir -p /many && for i in $(seq 100); do echo $i > /many/$i; done
RUN rm /many/1 && ln -s built /link && chown 7:7 /built
FROM ${registry.host}/hello:latest
COPY --from=first /built /link /out/
COPY file /out/file
RUN --mount=type=cache,target=/cache test -e /cache && cat /out/built /out/file > /out/both
ENV A=1
CMD ["cat", "/out/both"]
`,
  );
  open.use(await startBuildkitd());
});

after(() => open.disposeAsync());

async function startBuildkitd(): Promise<AsyncDisposable> {
  await writeFile(
    place('buildkitd.toml'),
    `[registry."${registry.host}"]
http = true
insecure = true
[worker.oci]
enabled = false
[worker.containerd]
enabled = true
address = "${berthd.address}"
namespace = "${namespace}"
defaultCgroupParent = "${namespace}"
gc = false
`,
  );
  const log = await openFile(place('log'), 'a');
  const args = ['--config', place('buildkitd.toml'), '--root', place('root'), '--addr', address()];
  const child = spawn(...inside(tools.path('buildkitd'), args), { stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const close = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  try {
    await untilTrue('buildkitd', async () => (await buildctl('debug', 'workers')).code === 0, 30_000);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`buildkitd does not answer; its log:\n${await readFile(place('log'), 'utf8')}`, { cause: error });
  }
  return { [Symbol.asyncDispose]: close };
}

test('buildkitd takes berthd as its containerd worker', { skip }, async () => {
  assert.match((await buildctl('debug', 'workers', '--verbose')).stdout, /worker\.snapshotter:\s+overlayfs/);
});

test('a Dockerfile of several stages is built into an OCI archive', { skip }, async () => {
  await build(`type=oci,dest=${place('out.tar')}`);
  await mustRun('skopeo', ['copy', '--quiet', `oci-archive:${place('out.tar')}`, `oci:${place('layout')}:built`]);
  await mustRun('umoci', ['unpack', '--image', `${place('layout')}:built`, place('bundle')]);
  assert.equal(await readFile(place('bundle/rootfs/out/both'), 'utf8'), 'built\ncopied\n');
  assert.match(await mustRun('stat', ['-c', '%u %g %F', place('bundle/rootfs/out/built')]), /^7 7 regular file/);
});

test('it is built into the image store, unpacked and pushed, and runs', { skip }, async () => {
  const name = `${registry.host}/built:1`;
  const progress = await build(`type=image,name=${name},push=true,unpack=true`);
  assert.match(progress, /CACHED/);
  assert.match(await ctr('images', 'check'), /built:1.*complete.*true/);
  assert.equal(
    await ctr('run', '--rm', name, 'one', 'sh', '-c', 'cat /out/both; echo $A; sleep 0.3'),
    'built\ncopied\n1\n',
  );
  const raw = await mustRun(...inside('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${name}`]));
  assert.match(raw, /"layers"/);
});

test('what did not change comes from the cache, and the same build is the same image', { skip }, async () => {
  const again = await build(`type=oci,dest=${place('again.tar')}`);
  assert.equal(again.match(/\] (RUN|COPY) [^\n]*\n#\d+ CACHED/g)?.length, 5, again);
  const blobs = (archive: string): Promise<string> => mustRun('tar', ['tf', place(archive), 'blobs']);
  assert.equal(await blobs('again.tar'), await blobs('out.tar'));
  await writeFile(place('context/file'), 'changed\n');
  const changed = await build(`type=docker,name=changed:1,dest=${place('docker.tar')}`);
  assert.match(changed, /\[first 2\/3\][^\n]*\n#\d+ CACHED/);
  assert.match(await mustRun('tar', ['tf', place('docker.tar')]), /^manifest\.json$/m);
});

test('a build that fails says so and leaves the next one be', { skip }, async () => {
  const dockerfile = await readFile(place('context/Dockerfile'), 'utf8');
  await writeFile(place('context/Dockerfile'), `FROM ${registry.host}/hello:latest\nRUN exit 3\n`);
  const where = ['--local', `context=${place('context')}`, '--local', `dockerfile=${place('context')}`];
  const failed = await buildctl('build', '--progress', 'plain', '--frontend', 'dockerfile.v0', ...where);
  assert.notEqual(failed.code, 0);
  assert.match(failed.stderr, /exit code: 3/);
  await writeFile(place('context/Dockerfile'), dockerfile);
  await build(`type=oci,dest=${place('after.tar')},compression=zstd,force-compression=true`);
});

test('prune frees the cache, and what an image stands on stays', { skip }, async () => {
  const pruned = await buildctl('prune', '--all');
  assert.equal(pruned.code, 0, pruned.stderr);
  assert.match((await buildctl('du')).stdout, /Total:\s+0B/);
  await untilTrue('no lease', async () => (await ctr('leases', 'ls', '-q')).trim() === '');
  assert.match(await ctr('images', 'check'), /built:1.*complete.*true/);
  const left = (await ctr('snapshots', 'ls')).trim().split('\n').slice(1);
  assert(left.length > 0 && left.every((line) => line.startsWith('sha256:')), left.join('\n'));
  assert.equal(
    await ctr('run', '--rm', `${registry.host}/built:1`, 'two', 'sh', '-c', 'cat /out/both; sleep 0.3'),
    'built\ncopied\n',
  );
});
