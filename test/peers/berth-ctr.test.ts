/** `berth ctr` beside the real ctr 2.x, both on one berthd: the same words must give the same answers. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startBerthd, type Berthd } from '../support/berthd.ts';
import { makeHelloArchive } from '../support/hello-image.ts';
import { findPeerTools } from '../support/peer-tools.ts';
import { startRegistry } from '../support/registry.ts';
import { runCommand, type CommandOptions, type CommandResult } from '../support/run-command.ts';

const tools = findPeerTools();
const repository = resolve(import.meta.dirname, '../..');
const image = 'docker.io/library/hello:latest';
let daemon: Berthd;

const berth = (words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  runCommand(
    process.execPath,
    [join(repository, 'src/cli/main.ts'), 'ctr', '--address', daemon.address, ...words],
    options,
  );
const peer = (words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  runCommand(tools.path('ctr'), ['--address', daemon.address, ...words], options);

async function must(words: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await berth(words, options);
  assert.equal(code, 0, `berth ctr ${words.join(' ')}: ${stderr}`);
  return stdout;
}

const split = (line: string): string[] => line.split(' ').filter((word) => word !== '');

before(async () => {
  daemon = await startBerthd();
  const archive = join(daemon.directory, 'hello.tar');
  await writeFile(archive, await makeHelloArchive());
  await must(['images', 'import', archive]);
  await must(['images', 'label', image, 'tier=front']);
  await must(['run', '-d', '--null-io', '--label', 'a=1', 'hello', 'box', 'sleep', '1000']);
  await must(['namespaces', 'create', 'green', 'a=1', 'b=2']);
  await must(['leases', 'create', '--id', 'kept', 'k=v']);
  const committed = (await must(['snapshots', 'ls'])).split('\n').find((line) => line.includes('Committed')) ?? '';
  const [top = ''] = split(committed);
  await must(['snapshots', 'prepare', 'active', top]);
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
});

/** What differs from one moment to the next. */
function masked(text: string): string {
  return text
    .replaceAll(/\b(?:About a minute|\d+ seconds?|\d+ minutes?|Less than a second)/g, 'AGE')
    .replaceAll(/seconds:\d+ +nanos:\d+/g, 'TIME')
    .replaceAll(/[ \t]+/g, ' ');
}

const readings = [
  'namespaces ls',
  'namespaces ls -q',
  'plugins ls',
  'plugins ls -q',
  'plugins ls id==overlayfs',
  'content ls',
  'content ls -q',
  'content active',
  'images ls',
  'images ls -q',
  'images ls labels.tier==front',
  `images check name==${image}`,
  'images check -q',
  `images usage ${image}`,
  `images inspect ${image}`,
  'leases ls',
  'leases ls -q',
  'leases ls id==kept',
  'snapshots ls',
  'snapshots tree',
  'snapshots usage',
  'snapshots usage -b',
  'snapshots info active',
  'snapshots mounts /mnt active',
  'snapshots --snapshotter native ls',
  'containers ls',
  'containers ls -q',
  'containers ls labels.a==1',
  'containers info box',
  'containers info --spec box',
  'tasks ls',
  'tasks ls -q',
  'tasks ps box',
  'info',
  'deprecations list',
  'sandboxes ls',
  'oci spec',
  '-n green images ls',
  'i ls',
  'c ls',
  't ls',
  'ns ls',
] as const;

for (const line of readings)
  test(`"${line}" prints what ctr prints`, { skip: tools.skip }, async () => {
    const [theirs, ours] = [await peer(split(line)), await berth(split(line))];
    assert.equal(theirs.code, 0, theirs.stderr);
    assert.deepEqual([ours.code, masked(ours.stdout)], [0, masked(theirs.stdout)]);
  });

const failures = [
  'containers info nothing',
  'snapshots info nothing',
  'snapshots rm nothing',
  'tasks ps nothing',
  'containers rm box',
  'tasks rm box',
  'content get sha256:0000000000000000000000000000000000000000000000000000000000000000',
  'namespaces create green',
  'images usage nothing',
  'images bogus --flag',
] as const;

for (const line of failures)
  test(`"${line}" fails as it does with ctr, in words`, { skip: tools.skip }, async () => {
    const [theirs, ours] = [await peer(split(line)), await berth(split(line))];
    assert.equal(ours.code === 0, theirs.code === 0 && !line.includes('bogus'));
    assert.match(ours.stderr, /^berth ctr: /);
  });

const specs = [
  [],
  ['--tty'],
  ['--env', 'A=1', '--env', 'PATH=/x', '--cwd', '/etc', '--read-only', '--hostname', 'h'],
  ['--user', 'nobody'],
  ['--user', '12:34'],
  ['--mount', 'type=bind,src=/tmp,dst=/t,options=rbind:ro', '--mount', 'type=tmpfs,dst=/run,options=size=1m'],
  ['--net-host'],
  ['--privileged'],
  ['--cap-add', 'CAP_NET_ADMIN', '--cap-drop', 'CAP_KILL'],
  ['--label', 'a=b', '--annotation', 'x=y', '--allow-new-privs'],
  ['--memory-limit', '100000000', '--cpu-quota', '5000', '--cpu-period', '10000', '--rdt-class', 'c1'],
  ['--device', '/dev/null', '--rootfs-propagation', 'shared', '--with-ns', 'network:/proc/1/ns/net'],
  ['--seccomp', '--cap-add', 'CAP_SYS_ADMIN'],
  ['--apparmor-profile', 'mine'],
];

interface SyscallRule {
  readonly names: string[];
}

/** Order says nothing among rules, and how address families are counted out differs from version to version of ctr. */
function readSpec(text: string): unknown {
  const spec = JSON.parse(text) as { linux?: { seccomp?: { syscalls?: SyscallRule[] | undefined } } };
  const { seccomp } = spec.linux ?? {};
  for (const rule of seccomp?.syscalls ?? []) rule.names.sort();
  if (seccomp !== undefined)
    seccomp.syscalls = seccomp.syscalls
      ?.filter(({ names }) => names[0] !== 'socket')
      .toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
  return withoutEmpty(spec);
}

/** Go leaves out what is empty. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const isEmpty = (part: unknown): boolean =>
    part === '' || part === false || (Array.isArray(part) && part.length === 0);
  const kept = Object.entries(value).filter(([key, part]) => key === 'allow' || !isEmpty(part));
  return Object.fromEntries(kept.map(([key, part]) => [key, withoutEmpty(part)]));
}

for (const flags of specs)
  test(
    `containers create ${flags.join(' ')} writes the spec and the record that ctr writes`,
    { skip: tools.skip },
    async () => {
      const make = async (by: typeof berth): Promise<unknown[]> => {
        const created = await by(['containers', 'create', ...flags, image, 'twin', 'true']);
        assert.equal(created.code, 0, created.stderr);
        const spec = readSpec(await must(['containers', 'info', '--spec', 'twin']));
        const { Spec, CreatedAt, UpdatedAt, ...record } = JSON.parse(
          await must(['containers', 'info', 'twin']),
        ) as Record<string, unknown>;
        assert(Spec !== undefined && CreatedAt !== undefined && UpdatedAt !== undefined);
        await must(['containers', 'rm', 'twin']);
        return [spec, record];
      };
      assert.deepEqual(await make(berth), await make(peer));
    },
  );

test('an archive that berth ctr exports is the one that ctr exports, byte for byte', { skip: tools.skip }, async () => {
  const [ours, theirs] = ['ours.tar', 'theirs.tar'].map((name) => join(daemon.directory, name)) as [string, string];
  await must(['images', 'export', ours, 'hello']);
  assert.equal((await peer(['images', 'export', theirs, image])).code, 0);
  assert((await readFile(ours)).equals(await readFile(theirs)));
});

test('run gives output, input and exit codes, takes a short name, and --rm leaves nothing', async () => {
  const ended = await berth(['run', '--rm', 'hello', 'one', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
  assert.deepEqual([ended.code, ended.stdout, ended.stderr], [7, 'out\n', 'err\n']);
  const counted = await berth(['run', '--rm', 'hello', 'two', 'wc', '-c'], { input: Buffer.alloc(1_000_000) });
  assert.deepEqual([counted.code, counted.stdout.trim()], [0, '1000000']);
  assert.equal(await must(['containers', 'ls', '-q']), 'box\n');
  assert.equal(await must(['tasks', 'ls', '-q']), 'box\n');
});

test('run -it --rm has a terminal, joined letters and all', async () => {
  const line = `${process.execPath} ${join(repository, 'src/cli/main.ts')} ctr -a ${daemon.address} run -it --rm hello term tty`;
  const { stdout } = await runCommand('script', ['-qec', line, '/dev/null']);
  assert.match(stdout, /\/dev\/(?:pts\/\d+|console)/);
});

test('a detached terminal is attached to later, and its pipes go with its task', async () => {
  await must(['run', '-d', '-t', 'hello', 'terminal', 'sh', '-c', 'sleep 2; echo from afar; exit 5']);
  const line = `${process.execPath} ${join(repository, 'src/cli/main.ts')} ctr -a ${daemon.address} tasks attach terminal`;
  const { code, stdout } = await runCommand('script', ['-qec', line, '/dev/null']);
  assert.equal(code, 5);
  assert.match(stdout, /from afar/);
  await must(['containers', 'rm', 'terminal']);
  assert.deepEqual(await readdir(join(daemon.state, 'fifo')), []);
});

test('a program that is not there fails with the runtime’s words and leaves nothing', async () => {
  const { code, stderr } = await berth(['run', '--rm', 'hello', 'missing', 'no-such-program']);
  assert.equal(code, 1);
  assert.match(stderr, /no-such-program/);
  assert.equal(await must(['containers', 'ls', '-q']), 'box\n');
  assert.equal(await must(['tasks', 'ls', '-q']), 'box\n');
});

test('exec works by the beginning of a name and makes up its id', async () => {
  const { code, stdout } = await berth(['exec', 'bo', 'sh', '-c', 'echo inside; exit 4']);
  assert.deepEqual([code, stdout], [4, 'inside\n']);
  assert.match(await must(['tasks', 'exec', '-u', 'nobody', 'box', 'id']), /uid=65534\(nobody\)/);
});

test('logs shows what a detached container wrote, and the log goes with the container', async () => {
  await must(['run', '-d', 'hello', 'talker', 'sh', '-c', 'for n in 1 2 3; do echo line $n; sleep 0.1; done']);
  assert.equal(await must(['logs', '-f', 'talker']), 'line 1\nline 2\nline 3\n');
  assert.equal(await must(['logs', '--tail', '1', 'talker']), 'line 3\n');
  for (let tries = 0; tries < 100 && !(await must(['tasks', 'ls'])).includes('STOPPED'); tries++) await delay(50);
  await must(['containers', 'rm', 'talker']);
  await assert.rejects(readFile(join(daemon.state, 'logs/default/talker.log')), { code: 'ENOENT' });
});

test('containers create, tasks start and the rest of a life', async () => {
  await must(['containers', 'create', 'hello', 'made', 'cat', '/etc/hello', '/nothing']);
  const started = await berth(['tasks', 'start', 'made']);
  assert.equal(started.code, 1);
  assert.match(started.stdout, /^Hello from berth!/);
  await must(['containers', 'label', 'made', 'b=2']);
  assert.equal(await must(['containers', 'ls', '-q', 'labels.b==2']), 'made\n');
  await must(['containers', 'rm', 'made']);
  await must(['tasks', 'pause', 'box']);
  assert.match(await must(['tasks', 'ls']), /box +\d+ +PAUSED/);
  await must(['tasks', 'resume', 'box']);
  assert.match(await must(['tasks', 'metrics', 'box']), /memory/);
  assert.match(await must(['stats', '--no-stream', 'box']), /^box +\d+\.\d%/m);
});

test('a name that is in use is refused, and what has it stays', async () => {
  const { code, stderr } = await berth(['run', 'hello', 'box', 'true']);
  assert.equal(code, 1);
  assert.match(stderr, /^berth ctr: Cannot create container "box": the name is in use; choose another name, or remove/);
  assert.match(await must(['tasks', 'ls']), /^box .* RUNNING/m);
});

test('berth image share does as images share does', async () => {
  const words = [
    '--state',
    dirname(daemon.address),
    'image',
    'share',
    'hello',
    'docker.io/library/hello:2',
    '--to',
    'blue',
  ];
  const { code, stdout, stderr } = await runCommand(process.execPath, [join(repository, 'src/cli/main.ts'), ...words]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^docker\.io\/library\/hello:2 is in namespace blue now \(3 blobs\)\n$/);
  assert.equal(await must(['-n', 'blue', 'images', 'ls', '-q']), 'docker.io/library/hello:2\n');
});

test('images share gives an image to another namespace, where it runs', async () => {
  assert.match(await must(['images', 'share', 'hello', '--to', 'k8s.io']), /is in namespace k8s\.io now \(3 blobs\)/);
  assert.equal(await must(['run', '--rm', '-n', 'k8s.io', 'hello', 'there', 'echo', 'shared']), 'shared\n');
  await must(['-n', 'k8s.io', 'images', 'rm', '--sync', 'hello']);
});

test('push, then run of a missing image pulls it', async () => {
  await using registry = await startRegistry();
  const name = `${registry.host}/web:1`;
  await must(['images', 'tag', 'hello', name]);
  await must(['images', 'push', name]);
  await must(['images', 'rm', '--sync', name]);
  const { code, stdout, stderr } = await berth(['run', '--rm', name, 'pulled', 'echo', 'here']);
  assert.deepEqual([code, stdout], [0, 'here\n'], stderr);
  assert.match(stderr, /is not here, so .* is pulled/);
  await must(['images', 'rm', '--sync', name]);
});

test('single objects go to a registry and come back', async () => {
  await using registry = await startRegistry();
  const name = `${registry.host}/parts:1`;
  const digests = (await must(['content', 'ls', '-q'])).trim().split('\n');
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const target = await targetOfHello();
  for (const digest of digests.filter((each) => each !== target))
    await must(['content', 'push-object', name, digest, 'application/octet-stream']);
  assert.equal(await must(['content', 'push-object', name, target, type]), `Pushed ${target} ${type}\n`);
  assert.equal(await must(['content', 'fetch-object', name]), await must(['content', 'get', target]));
  assert.equal(
    await must(['content', 'fetch-blob', name, digests[0] ?? '']),
    await must(['content', 'get', digests[0] ?? '']),
  );
  await must(['content', 'fetch', name]);
  assert.match(await must(['images', 'check', `name==${name}`]), /complete \(2\/2\)/);
  await must(['images', 'rm', '--sync', name]);
});

/** The digest that the image's name points at. */
async function targetOfHello(): Promise<string> {
  const line = (await must(['images', 'ls', `name==${image}`])).split('\n')[1] ?? '';
  return split(line)[2] ?? '';
}

test('a file or directory that is not there is said in words, and nothing is begun', async () => {
  const failed = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await berth(words);
    assert.deepEqual([code, stdout], [1, '']);
    return stderr;
  };
  assert.match(await failed('images', 'import', '/nowhere.tar'), /^berth ctr: Cannot load "\/nowhere\.tar": ENOENT/);
  assert.match(await failed('images', 'import', '/'), /^berth ctr: Cannot load "\/": it is a directory/);
  assert.match(await failed('images', 'export', '/nowhere/a.tar', 'hello'), /^berth ctr: Cannot export to "\/nowhere/);
  assert.match(await failed('images', 'mount', 'hello', '/nowhere'), /^berth ctr: Cannot mount on "\/nowhere"/);
  assert.match(
    await failed('content', 'fetch-blob', 'localhost:1/a', `sha256:${'0'.repeat(64)}`),
    /^berth ctr: Cannot GET "http:\/\/localhost:1\/v2\/a\/blobs\/sha256:0+": connect ECONNREFUSED/,
  );
});

test('images convert makes what ctr makes of the same image', { skip: tools.skip }, async () => {
  const ours = await must(['images', 'convert', '--oci', 'hello', 'example.com/ours:1']);
  const theirs = await peer(['images', 'convert', '--oci', image, 'example.com/theirs:1']);
  assert.deepEqual([theirs.code, ours], [0, theirs.stdout]);
  await must(['images', 'rm', '--sync', 'example.com/ours:1', 'example.com/theirs:1']);
});

test('containers checkpoint --rw and restore bring changed files back', async () => {
  await must(['run', '-d', '--null-io', 'hello', 'saved', 'sh', '-c', 'echo changed > /root/x; sleep 1000']);
  for (let tries = 0; tries < 100; tries++) {
    if ((await berth(['exec', 'saved', 'cat', '/root/x'])).stdout === 'changed\n') break;
    await delay(50);
  }
  await must(['containers', 'checkpoint', '--rw', 'saved', 'example.com/saved:1']);
  await must(['containers', 'restore', '--rw', 'again', 'example.com/saved:1']);
  assert.equal(await must(['exec', 'again', 'cat', '/root/x']), 'changed\n');
  for (const id of ['saved', 'again']) {
    await must(['tasks', 'rm', '--force', id]);
    await must(['containers', 'rm', id]);
  }
  await must(['images', 'rm', '--sync', 'example.com/saved:1']);
});

test('install copies programs, and refuses to replace them unless told to', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'berth-ctr-install-'));
  await must(['install', '--path', place.path, 'hello']);
  assert((await readFile(join(place.path, 'bin/busybox'))).equals(await readFile('/bin/busybox')));
  assert.match((await berth(['install', '--path', place.path, 'hello'])).stderr, /it is there already; use --replace/);
  await must(['install', '--replace', '--path', place.path, 'hello']);
});

test('content ingest, get, label and edit keep bytes', async () => {
  const blob = Buffer.alloc(3 << 20, 'content ');
  await must(['content', 'ingest', '--expected-size', String(blob.length), 'ref-1'], { input: blob });
  const line = (await must(['content', 'ls'])).split('\n').find((each) => each.includes('3.146MB')) ?? '';
  const [digest = ''] = line.split('\t');
  assert.equal((await must(['content', 'get', digest])).length, blob.length);
  assert.equal(await must(['content', 'label', digest, 'k=v']), 'k=v\n');
  const edited = (await must(['content', 'edit', '--editor', 'truncate -s 7', digest])).trim();
  assert.equal(await must(['content', 'get', edited]), 'content');
  assert.equal(await must(['content', 'rm', digest, edited]), `${digest}\n${edited}\n`);
});

test('images mount and unmount --rm leave nothing', async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), 'berth-ctr-mount-'));
  await must(['images', 'mount', 'hello', place.path]);
  assert.match(await readFile(join(place.path, 'etc/hello'), 'utf8'), /^Hello from berth!/);
  await must(['images', 'unmount', '--rm', place.path]);
  assert.doesNotMatch(await must(['snapshots', 'ls']), new RegExp(place.path));
  assert.equal(await must(['leases', 'ls', '-q']), 'kept\n');
});

test('snapshots diff writes a layer, and commit and rm work', async () => {
  await must(['snapshots', 'commit', 'committed', 'active']);
  assert.match(await must(['snapshots', 'info', 'committed']), /"Kind": "Committed"/);
  assert((await must(['snapshots', 'diff', 'committed'])).length > 0);
  await must(['snapshots', 'rm', 'committed']);
});

test('prune takes what does not run, and leaves what does', async () => {
  await must(['containers', 'create', 'hello', 'idle', 'true']);
  assert.equal(await must(['prune', '--force']), 'idle\n');
  assert.equal(await must(['containers', 'ls', '-q']), 'box\n');
});

test('a daemon that is not there is said in words, with what to do', async () => {
  const { code, stderr } = await berth(['--address', join(daemon.directory, 'no.sock'), 'images', 'ls']);
  assert.equal(code, 1);
  assert.match(stderr, /^berth ctr: Cannot reach the daemon at ".*no\.sock": there is no such socket; start it/);
});

/** What one page of ctr's help names: commands with their other names, and flags. */
function readHelp(text: string): { readonly commands: string[][]; readonly flags: string[] } {
  const section = (title: string): string[] =>
    (text.split(new RegExp(`^${title}:.*\n`, 'm'))[1]?.split(/\n\s*\n/)[0] ?? '').split('\n');
  const commands = section('COMMANDS').flatMap((line) => {
    const names = /^ {3}(\S+(?:, \S+)*)(?: {2}|$)/.exec(line)?.[1]?.split(', ') ?? [];
    return names.length === 0 || names[0] === 'help' ? [] : [names];
  });
  const options = [...section('OPTIONS'), ...section('GLOBAL OPTIONS')];
  const flags = options.flatMap((line) => [
    ...(/^ {3}(-.*?)(?: {2}|$)/.exec(line)?.[1]?.matchAll(/(?<![\w-])--?([\w-]+)/g) ?? []),
  ]);
  return { commands, flags: [...new Set(flags.map(([, name = '']) => name))] };
}

/** Flags of ctr itself stand on its first page; and what ctr takes here it does not look at. */
const elsewhere =
  /^(?:.* )?--(?:debug|address|a|timeout|connect-timeout|namespace|n|h|version|v)$|^images unmount --|^shim pprof /;

test('every command, other name and flag that ctr’s help names is known', { skip: tools.skip }, async () => {
  const missing: string[] = [];
  const walk = async (path: readonly string[]): Promise<void> => {
    const { commands, flags } = readHelp((await peer([...path, '--help'])).stdout);
    const ours = await must([...path, '--help']);
    for (const flag of flags)
      if (!new RegExp(`(?<![\\w-])-{1,2}${flag}\\b`).test(ours)) missing.push(`${path.join(' ')} --${flag}`);
    for (const names of commands) {
      const unknown = names.filter((name) => !new RegExp(`^ {2}(?:\\S+, )*${name}(?:,| |$)`, 'm').test(ours));
      missing.push(...unknown.map((name) => [...path, name].join(' ')));
      if (unknown.length === 0) await walk([...path, names[0] ?? '']);
    }
  };
  await walk([]);
  assert(missing.length > 0, 'the help of ctr was read');
  assert.deepEqual(
    missing.filter((each) => !elsewhere.test(each)),
    [],
  );
});
