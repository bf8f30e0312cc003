/** A real image: a debootstrapped Debian, a package on top of it, then changes and removals, then two archives by hand. */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archiveOf, hardLink } from '#/core/layers/archive-fixture.ts';
import { mustRun, runCommand } from './run-command.ts';

const minutes = 60_000;
/** Goes into the name of what is kept: another recipe is another image. */
const recipe = readFile(import.meta.filename);

export interface DebianImage {
  /** An OCI layout, with tag `test`; not to be changed. */
  readonly layout: string;
}

/** Made once a day and kept in the temporary directory, since a debootstrap takes half a minute and a network. */
export async function makeDebianImage(): Promise<DebianImage> {
  const cache = await ownDirectory(join(tmpdir(), 'berth-test-cache'));
  const hash = createHash('sha256')
    .update(await recipe)
    .digest('hex')
    .slice(0, 12);
  const layout = join(cache, `debian-${new Date().toISOString().slice(0, 10)}-${hash}`);
  if (await exists(join(layout, 'index.json'))) return { layout };
  for (const name of await readdir(cache))
    if (name.startsWith('debian-')) await rm(join(cache, name), { recursive: true, force: true });
  const work = await mkdtemp(join(cache, 'making-'));
  try {
    await build(work);
    await rename(join(work, 'layout'), layout);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return { layout };
}

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Nobody else's: what lies in it is unpacked by root. */
async function ownDirectory(path: string): Promise<string> {
  await mkdir(path, { mode: 0o700 }).catch(() => {});
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0)
    throw new Error(`"${path}" is not ours alone: remove it, or make it so with chown and chmod 700`);
  return path;
}

async function build(work: string): Promise<void> {
  const layout = join(work, 'layout');
  const image = `${layout}:test`;
  const slow = { timeoutMs: 10 * minutes };
  await mustRun('umoci', ['init', '--layout', layout]);
  await mustRun('umoci', ['new', '--image', image]);
  await mustRun('umoci', ['config', '--image', image, '--config.cmd', '/bin/bash', '--config.env', `PATH=${path}`]);
  for (const [index, change] of [debootstrap, addPackage, changeAndRemove].entries()) {
    const bundle = join(work, `bundle-${index}`);
    await mustRun('umoci', ['unpack', '--image', image, bundle], slow);
    await change(join(bundle, 'rootfs'), join(work, 'debian'));
    await mustRun('umoci', ['repack', '--image', image, bundle], slow);
    await rm(bundle, { recursive: true });
  }
  await addRawLayers(image, work);
}

/** What umoci's own archives do not say, such as nanoseconds, and what it never writes. */
async function addRawLayers(image: string, work: string): Promise<void> {
  const tree = join(work, 'raw');
  await mkdir(tree);
  await writeFile(join(work, 'raw.sh'), rawTree);
  await mustRun('bash', [join(work, 'raw.sh')], { cwd: tree });
  const gnu = join(work, 'gnu.tar');
  const flags = ['--format=posix', '--xattrs', '--xattrs-include=*', '--sparse', '--numeric-owner'];
  await mustRun('tar', ['-C', tree, ...flags, '-cf', gnu, 'raw']);
  const own = join(work, 'own.tar');
  await writeFile(
    own,
    archiveOf(
      hardLink('raw/lower-link', 'odd/suid'),
      { name: 'raw/hidden/.wh..wh..opq' },
      { name: 'raw/hidden/new', content: 'new', modified: 1_000_000_000_000_000_001n },
      { name: 'raw/times/.wh.old' },
      { name: '/raw/absolute', content: 'inside' },
      { name: './raw/./dotted', content: 'inside' },
    ),
  );
  for (const layer of [gnu, own]) await mustRun('umoci', ['raw', 'add-layer', '--image', image, layer]);
}

const rawTree = `
set -e
mkdir -p raw/times raw/hidden/below; touch raw/hidden/one raw/hidden/below/two
touch -d '2001-02-03 04:05:06.123456789' raw/times/exact; touch -d '1950-01-01 00:00:00.000000001' raw/times/old-and-exact
touch -d '1969-12-31 23:59:59.5' raw/times/old; touch -d '2100-01-01 00:00:00.999999999' raw/times/far
ln -s exact raw/times/link; touch -h -d '2010-10-10 10:10:10.101010101' raw/times/link
mknod raw/times/device c 5 300; touch -d '2011-11-11 11:11:11.111111111' raw/times/device
mkfifo raw/times/fifo; touch -d '2012-12-12 12:12:12.121212121' raw/times/fifo
truncate -s 5M raw/sparse; printf middle | dd of=raw/sparse bs=1 seek=2000000 conv=notrunc status=none; truncate -s 9M raw/sparse
setfattr -n user.binary -v 0x000102ff raw/sparse; setcap cap_chown=ep raw/times/exact
touch -d '2001-02-03 04:05:06.123456789' raw/times/exact; touch -d '2003-03-03 03:03:03.030303030' raw/times raw/hidden
`;

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Into a directory of its own first: the one that umoci gives may lie on a mount without devices. */
async function debootstrap(rootfs: string, directory: string): Promise<void> {
  const [codename, mirror] = await aptMirror();
  const { code, stdout, stderr } = await runCommand('debootstrap', ['--variant=minbase', codename, directory, mirror], {
    timeoutMs: 10 * minutes,
  });
  if (code !== 0)
    throw new Error(
      `Cannot debootstrap Debian ${codename} from the mirror in this machine's apt sources; can it be reached?\n${(stdout + stderr).slice(-2000)}`,
    );
  await mustRun('cp', ['-a', `${directory}/.`, rootfs], { timeoutMs: 5 * minutes });
}

/** Codename and address of Debian's main archive, from what apt itself uses on this machine. */
async function aptMirror(): Promise<readonly [string, string]> {
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? '';
  const format = '$(CODENAME) $(COMPONENT) $(REPO_URI)';
  const targets = await mustRun('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const mirror = targets
    .split('\n')
    .map((line) => line.split(' '))
    .find(([name, component]) => name === codename && component === 'main')?.[2];
  if (mirror === undefined)
    throw new Error(`Cannot find a mirror of Debian "${codename}" in this machine's apt sources`);
  return [codename, mirror];
}

/** ping has its right to open raw sockets from a file capability; passwd is setuid already. */
async function addPackage(rootfs: string): Promise<void> {
  const apt = async (...args: string[]): Promise<string> =>
    mustRun('chroot', [rootfs, 'apt-get', ...args], {
      env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', PATH: path },
      timeoutMs: 10 * minutes,
    });
  await cp('/etc/resolv.conf', join(rootfs, 'etc/resolv.conf'));
  await apt('update');
  await apt('install', '-y', '--no-install-recommends', 'libcap2-bin', 'attr');
  await apt('install', '-y', '--no-install-recommends', 'iputils-ping');
}

/** All that a layer can say of a file, and removals of files, directories and links. */
const changes = `
set -e
rm -rf usr/share/doc usr/share/man var/cache/apt etc/motd
rm usr/bin/perl; ln -s /etc etc-link
rm -rf var/lib/apt && echo a file now > var/lib/apt
rm usr/bin/pager 2>/dev/null || true; mkdir -p usr/bin/pager && touch usr/bin/pager/inside
chown 12345:54321 etc/hostname; chmod 0640 etc/fstab
mkdir -p odd/empty odd/sticky odd/group; chmod 1777 odd/sticky; chmod 2750 odd/group; chown 1:2 odd/group
printf one > odd/one; ln odd/one odd/two; ln odd/one odd/sticky/three
printf '%s' suid > odd/suid; chmod 4755 odd/suid
mknod odd/null c 1 3; mknod odd/loop b 7 200; mknod odd/fifo p; chmod 0600 odd/loop
ln -s nowhere/at/all odd/dangling; ln -s ../../../../../../etc/passwd odd/climbing
truncate -s 3M odd/sparse; printf end >> odd/sparse
setfattr -n user.colour -v blue odd/one; setfattr -n user.empty odd/sparse
setfattr -n trusted.secret -v 0x00ff10 odd/suid; setfattr -n user.on-directory -v yes odd/empty
setcap cap_net_admin,cap_net_raw+eip odd/suid
touch odd/'with blank and \\ and ü' odd/$(printf 'line\\nbreak') odd/$(printf 'n%.0s' $(seq 250))
mkdir -p odd/$(printf 'deep/%.0s' $(seq 60)) && touch odd/$(printf 'deep/%.0s' $(seq 60))file
touch -d '2001-02-03 04:05:06.123456789' odd/one; touch -d '1969-12-31 23:59:58' odd/suid
touch -h -d '2038-01-20 00:00:00.5' odd/dangling; touch -d '2100-01-01 00:00:00.000000001' odd/empty
`;

async function changeAndRemove(rootfs: string): Promise<void> {
  const script = join(rootfs, '../changes.sh');
  await writeFile(script, changes);
  await mustRun('bash', [script], { cwd: rootfs });
}
