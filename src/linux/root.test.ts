import assert from 'node:assert/strict';
import { constants, fstatSync } from 'node:fs';
import { mkdir, mkdtempDisposable, rename, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { closeDescriptor } from '#/linux/descriptor.ts';
import { mkfifo } from '#/linux/mknod.ts';
import { openInRoot, openPath, openat2, resolveBeneath, resolveInRoot, resolveNoSymlinks } from '#/linux/root.ts';
import { run } from '#/linux/spawn.ts';

const openDirectory = () => mkdtempDisposable(join(tmpdir(), 'root-'));

test('openat2() keeps within the directory as its flags say', async () => {
  await using directory = await openDirectory();
  await writeFile(join(directory.path, 'inside'), '');
  await symlink('/inside', join(directory.path, 'absolute'));
  const dirfd = openPath(directory.path);
  const flags = constants.O_RDONLY;
  const attempt = (path: string, resolve: number) => () => closeDescriptor(openat2({ dirfd, path, flags, resolve }));
  attempt('inside', resolveBeneath)();
  attempt('../../../inside', resolveInRoot)();
  attempt('absolute', resolveInRoot)();
  assert.throws(attempt('../inside', resolveBeneath), { code: 'EXDEV', syscall: 'openat2', path: '../inside' });
  assert.throws(attempt('absolute', resolveBeneath), { code: 'EXDEV' });
  assert.throws(attempt('absolute', resolveNoSymlinks), { code: 'ELOOP' });
  assert.throws(attempt('missing', 0), { code: 'ENOENT' });
  const created = openat2({ dirfd, path: 'new', flags: constants.O_CREAT | constants.O_WRONLY, mode: 0o600 });
  assert(fstatSync(created).isFile());
  for (const fd of [created, dirfd]) closeDescriptor(fd);
});

test('openPath() takes directories only', async () => {
  assert.throws(() => openPath('/etc/passwd'), { code: 'ENOTDIR' });
});

test('openInRoot() reads below the root whatever links say', async () => {
  await using directory = await openDirectory();
  const root = join(directory.path, 'root');
  await mkdir(join(root, 'etc'), { recursive: true });
  await writeFile(join(root, 'etc/passwd'), 'ours');
  await symlink('/etc', join(root, 'link'));
  await symlink('../../../../etc/passwd', join(root, 'up'));
  for (const path of ['etc/passwd', '/etc/passwd', 'link/passwd', 'up', '../../etc/passwd']) {
    await using file = await openInRoot(root, path);
    assert.equal(await file.readFile('utf8'), 'ours', path);
  }
  await assert.rejects(openInRoot(root, 'etc/shadow'), { code: 'ENOENT', path: 'etc/shadow' });
});

test('openInRoot() never opens a FIFO, so it never waits', async () => {
  await using directory = await openDirectory();
  await mkfifo(join(directory.path, 'fifo'), 0o600);
  await assert.rejects(openInRoot(directory.path, 'fifo'), { code: 'ENXIO' });
});

test('openInRoot() holds out against renames elsewhere while it resolves ".."', async () => {
  await using directory = await openDirectory();
  const [one, other] = [join(directory.path, 'one'), join(directory.path, 'other')];
  await mkdir(one);
  await mkdir(join(directory.path, 'a'));
  await writeFile(join(directory.path, 'file'), '');
  const renames = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) {
      await rename(one, other);
      await rename(other, one);
    }
  };
  const opens = async (): Promise<void> => {
    for (let i = 0; i < 200; i++) await (await openInRoot(directory.path, '../a/../a/../file')).close();
  };
  await Promise.all([renames(), opens(), opens()]);
});

test('chroot() moves root and working directory of a process, its I/O threads too', async () => {
  await using directory = await openDirectory();
  await writeFile(join(directory.path, 'only'), 'here');
  const script = `import { readFile, readdir } from 'node:fs/promises';
    import { chroot, fchdir, openPath } from '#/linux/root.ts';
    const kept = openPath('/usr');
    chroot(${JSON.stringify(directory.path)});
    console.log(process.cwd(), await readFile('/only', 'utf8'), (await readdir('../..')).length);
    fchdir(kept);
    console.log((await readdir('.')).includes('bin'));`;
  const args = ['--input-type=module-typescript', '-e', script];
  const result = await run({ file: process.execPath, args, env: {}, timeoutMs: 20_000, maxOutput: 65_536 });
  assert.equal(result.stderr.toString(), '');
  assert.equal(result.stdout.toString(), '/ here 1\ntrue\n');
});
