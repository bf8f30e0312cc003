import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, readlink, symlink as link, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createLogger } from '#/base/log.ts';
import { archiveOf, directory, fixtureTime, hardLink, memberBlocks, symlink } from '#/core/layers/archive-fixture.ts';
import type { AppliedLayer, ApplyLayer } from '#/core/layers/contract.ts';
import { expandedLimit, type ExpansionLimits } from '#/core/layers/expansion.ts';
import { openLayers } from '#/core/layers/open-layers.ts';
import { bindMount, openScratch, overlayMount, pictureOf, type Scratch } from '#/core/layers/tree-fixture.ts';
import { diskUsage } from '#/core/snapshots/disk-usage.ts';
import { withMounts } from '#/linux/mount.ts';
import { lgetxattr, llistxattr } from '#/linux/xattr.ts';

const run = promisify(execFile);

interface Bench extends AsyncDisposable {
  readonly scratch: Scratch;
  /** An empty directory that `apply` unpacks into. */
  readonly root: string;
  apply(archive: Uint8Array, more?: Partial<ApplyLayer>): Promise<AppliedLayer>;
}

async function openBench(): Promise<Bench> {
  await using undo = new AsyncDisposableStack();
  const scratch = undo.use(await openScratch());
  const root = await scratch.directory('root');
  const layers = undo.use(await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') }));
  const moved = undo.move();
  return {
    scratch,
    root,
    async apply(archive, more = {}) {
      const path = join(scratch.path, 'layer');
      await writeFile(path, archive);
      return await layers.apply({ path, compression: 'detect', mounts: bindMount(root), ...more });
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

test('apply() makes every kind of entry with owner, mode, nanoseconds and attributes', async () => {
  await using bench = await openBench();
  const archive = archiveOf(
    directory('etc/', { mode: 0o1775, uid: 7, gid: 8 }),
    { name: 'etc/plain', content: 'hello', mode: 0o4755, uid: 1000, gid: 1001, xattrs: { 'user.note': 'n' } },
    {
      name: 'etc/capable',
      xattrs: { 'security.capability': Buffer.from('0100000202000000000000000000000000000000', 'hex') },
    },
    { name: 'etc/big-owner', uid: 4_000_000_000, gid: 3_000_000_000 },
    { name: 'etc/old', modified: -5_500_000_000n },
    symlink('etc/link', '/absolute/nowhere'),
    hardLink('etc/second', 'etc/plain'),
    { name: 'etc/fifo', type: 'fifo', mode: 0o600 },
    { name: 'etc/null', type: 'character-device', mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
    { name: 'etc/disk', type: 'block-device', mode: 0o660, gid: 6, deviceMajor: 259, deviceMinor: 70_000 },
    { name: `${'long/'.repeat(60)}é\xff-name`, content: 'far' },
  );
  const result = await bench.apply(archive);
  assert.deepEqual(result, { diffId: sha256(archive), size: archive.length });

  const at = (name: string): string => join(bench.root, 'etc', name);
  const plain = await lstat(at('plain'), { bigint: true });
  assert.equal(plain.mode & 0o7777n, 0o4755n);
  assert.deepEqual([plain.uid, plain.gid, plain.mtimeNs, plain.nlink], [1000n, 1001n, fixtureTime, 2n]);
  assert.equal((await lgetxattr(at('plain'), 'user.note')).toString(), 'n');
  assert.equal((await lgetxattr(at('capable'), 'security.capability')).length, 20);
  assert.deepEqual(
    [(await lstat(at('big-owner'))).uid, (await lstat(at('big-owner'))).gid],
    [4_000_000_000, 3_000_000_000],
  );
  assert.equal((await lstat(at('old'), { bigint: true })).mtimeNs, -5_500_000_000n);
  assert.equal(await readlink(at('link')), '/absolute/nowhere');
  assert.equal((await lstat(at('link'), { bigint: true })).mtimeNs, fixtureTime);
  assert.equal((await lstat(at('second'))).ino, Number(plain.ino));
  assert.equal((await lstat(at('fifo'))).isFIFO(), true);
  assert.equal((await lstat(at('null'))).rdev, (1 << 8) | 3);
  const disk = await run('stat', ['-c', '%t:%T %F', at('disk')]);
  assert.equal(disk.stdout.trim(), '103:11170 block special file');
  const etc = await lstat(join(bench.root, 'etc'), { bigint: true });
  assert.deepEqual([etc.mode & 0o7777n, etc.uid, etc.gid, etc.mtimeNs], [0o1775n, 7n, 8n, fixtureTime]);
  assert.equal(await readFile(join(bench.root, 'long/'.repeat(60), 'é\xff-name'), 'utf8'), 'far');
});

test('apply() reads plain, gzip, multi-member gzip and zstd, and hashes the padding too', async () => {
  await using bench = await openBench();
  const archive = Buffer.concat([archiveOf({ name: 'a', content: 'x'.repeat(700_000) }), Buffer.alloc(9 * 512)]);
  const half = 400_000;
  const members = Buffer.concat([gzipSync(archive.subarray(0, half)), gzipSync(archive.subarray(half))]);
  const frames = Buffer.concat([zstdCompressSync(archive.subarray(0, half)), zstdCompressSync(archive.subarray(half))]);
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const blobs: Readonly<Record<string, Buffer>> = {
    plain: archive,
    gzip: gzipSync(archive),
    members,
    'gzip with zeros after it': Buffer.concat([members, Buffer.alloc(100_000)]),
    zstd: zstdCompressSync(archive),
    frames,
    'zstd after a skippable frame': Buffer.concat([skippable, frames, skippable]),
  };
  for (const [name, blob] of Object.entries(blobs))
    assert.deepEqual(await bench.apply(blob), { diffId: sha256(archive), size: archive.length }, name);
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    const blob = { gzip: members, zstd: frames, none: archive }[compression];
    assert.equal((await bench.apply(blob, { compression })).size, archive.length);
  }
});

test('apply() of a stream that does not decompress is data-loss', async () => {
  await using bench = await openBench();
  const archive = archiveOf({ name: 'a', content: Buffer.alloc(2_000_000, 'abcdefg') });
  const gzip = gzipSync(archive);
  const zstd = zstdCompressSync(archive);
  const flipped = Buffer.from(gzip);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 6) ^ 1, flipped.length - 6);
  const blobs: Readonly<Record<string, Buffer>> = {
    'gzip cut off': gzip.subarray(0, gzip.length - 9),
    'gzip with a wrong checksum': flipped,
    'gzip with a foreign tail': Buffer.concat([gzip, Buffer.alloc(600_000), Buffer.from('tail')]),
    'gzip with garbage': Buffer.concat([gzip, Buffer.from('garbage')]),
    'zstd cut off': zstd.subarray(0, zstd.length - 5),
    'zstd with a foreign tail': Buffer.concat([zstd, Buffer.from('tail')]),
  };
  for (const [name, blob] of Object.entries(blobs))
    await assert.rejects(bench.apply(blob), { kind: 'data-loss', message: /^Cannot unpack layer ".*": the / }, name);
  await assert.rejects(bench.apply(archive, { compression: 'gzip' }), { kind: 'data-loss' });
  await assert.rejects(bench.apply(Buffer.alloc(0), { compression: 'gzip' }), { kind: 'data-loss' });
});

test('apply() takes whiteouts below what is no directory, or no more, for done', async () => {
  await using bench = await openBench();
  await bench.apply(archiveOf(directory('was'), { name: 'was/gone' }, { name: 'file', content: 'kept' }));
  await bench.apply(
    archiveOf(
      { name: 'was', content: 'a file now' },
      { name: 'was/.wh.gone' },
      { name: 'file/.wh.x' },
      { name: 'file/deeper/.wh..wh..opq' },
    ),
  );
  assert.equal(await readFile(join(bench.root, 'was'), 'utf8'), 'a file now');
  assert.equal(await readFile(join(bench.root, 'file'), 'utf8'), 'kept');
});

test('apply() removes what whiteouts name and keeps what the layer itself put there', async () => {
  for (const kind of ['bind', 'overlay'] as const) {
    await using bench = await openBench();
    const base = kind === 'bind' ? bench.root : await bench.scratch.directory('base');
    for (const name of ['a/keep', 'a/gone', 'a/tree/deep/file', 'b/old', 'b/sub/old', 'b/new-and-old', 'c/x'])
      await mkdir(join(base, name, '..'), { recursive: true }).then(() => writeFile(join(base, name), 'lower'));
    const [upper, work] = [await bench.scratch.directory('upper'), await bench.scratch.directory('work')];
    const mounts = kind === 'bind' ? bindMount(bench.root) : overlayMount([base], upper, work);
    await bench.apply(
      archiveOf(
        { name: 'a/.wh.gone' },
        { name: 'a/.wh.tree' },
        { name: 'a/.wh.never-there' },
        { name: 'missing/.wh.name' },
        directory('b'),
        { name: 'b/new', content: 'upper' },
        { name: 'b/new-and-old', content: 'upper' },
        { name: 'b/sub/new', content: 'upper' },
        { name: 'b/.wh..wh..opq' },
        { name: '.wh..wh.plnk/12.34', content: 'aufs' },
        { name: '.wh..wh.aufs' },
        { name: 'fresh/file', content: 'upper' },
        { name: 'fresh/.wh..wh..opq' },
        { name: 'fresh/.wh.file' },
        { name: '.wh.c' },
        { name: 'c/y', content: 'upper' },
      ),
      { mounts },
    );
    const names = await withMounts(mounts, await bench.scratch.directory('look'), async (target) =>
      (await pictureOf(target)).map((line) => line.split(' ')[0]),
    );
    const expected = [
      '.',
      'a',
      'a/keep',
      'b',
      'b/new',
      'b/new-and-old',
      'b/sub',
      'b/sub/new',
      'c',
      'c/y',
      'fresh',
      'fresh/file',
    ];
    assert.deepEqual(names, expected, kind);
  }
});

test('apply() to an upper directory alone gives the tree that it gives on the layers below', async () => {
  await using bench = await openBench();
  const { scratch } = bench;
  const base = await scratch.directory('base');
  for (const name of ['a/keep', 'a/gone', 'a/tree/deep', 'b/old', 'b/sub/old', 'c/x', 'd/x', 'e/x', 'f', 'g/x', 'h/x'])
    await mkdir(join(base, name, '..'), { recursive: true }).then(() => writeFile(join(base, name), 'lower'));
  const archive = archiveOf(
    directory('a'),
    { name: 'a/.wh.gone' },
    { name: 'a/.wh.tree' },
    { name: 'a/.wh.never-there' },
    directory('b'),
    { name: 'b/new', content: 'upper' },
    directory('b/sub'),
    { name: 'b/sub/new', content: 'upper' },
    { name: 'b/.wh..wh..opq' },
    { name: '.wh.c' },
    { name: 'c/y', content: 'upper' },
    { name: '.wh.d' },
    directory('d', { mode: 0o700 }),
    { name: '.wh.e' },
    { name: 'e', content: 'now a file' },
    directory('f'),
    directory('g'),
    { name: 'g/y', content: 'upper' },
    { name: '.wh.g' },
    directory('h'),
    directory('i'),
    { name: 'i/file', content: 'upper' },
    { name: 'i/.wh.file' },
  );
  const pictures = [];
  for (const kind of ['whole', 'alone']) {
    const [upper, work] = [await scratch.directory(`${kind} upper`), await scratch.directory(`${kind} work`)];
    const mounts = overlayMount([base], upper, work);
    const alone = [{ type: 'overlay', source: 'overlay', options: ['rw', `upperdir=${upper}`] }];
    await bench.apply(archive, { mounts: kind === 'whole' ? mounts : alone });
    pictures.push(
      await withMounts(mounts, await scratch.directory('look'), async (target) =>
        // The time of a directory that no entry lists is that of its making.
        (await pictureOf(target)).filter((line) => !/^[.c] /.test(line)),
      ),
    );
  }
  assert.deepEqual(pictures[1], pictures[0]);
  assert.ok(pictures[0]?.some((line) => line.startsWith('h/x ')));
});

test('apply() to an upper directory alone refuses to hide everything below', async () => {
  await using bench = await openBench();
  const mounts = [{ type: 'overlay', source: 'overlay', options: [`upperdir=${bench.root}`] }];
  const applying = bench.apply(archiveOf({ name: '.wh..wh..opq' }), { mounts });
  await assert.rejects(applying, { kind: 'invalid-argument', message: /cannot be said without them/ });
});

test('apply() lets entries replace other types, and merges a directory into a directory', async () => {
  await using bench = await openBench();
  const at = (name: string): string => join(bench.root, name);
  await mkdir(at('dir-to-file/inner'), { recursive: true });
  await mkdir(at('merged'));
  await writeFile(at('merged/kept'), 'kept');
  await writeFile(at('target'), 'untouched');
  await link('target', at('link-to-file'));
  await link('merged', at('link-to-dir'));
  await writeFile(at('file-to-dir'), '');
  await link('/merged', at('link-to-link'));
  await bench.apply(
    archiveOf(
      { name: 'dir-to-file', content: 'now a file' },
      directory('merged', { mode: 0o700, uid: 5 }),
      { name: 'link-to-file', content: 'now a file too' },
      directory('link-to-dir'),
      directory('file-to-dir'),
      { name: 'file-to-dir/inner', content: 'i' },
      symlink('link-to-link', 'elsewhere'),
      { name: 'twice', content: 'first' },
      hardLink('twice-linked', 'twice'),
      hardLink('twice-linked', 'twice'),
      hardLink('twice', 'twice'),
      { name: 'twice', content: 'second' },
    ),
  );
  assert.equal(await readFile(at('dir-to-file'), 'utf8'), 'now a file');
  assert.equal(await readFile(at('merged/kept'), 'utf8'), 'kept');
  assert.deepEqual([(await lstat(at('merged'))).mode & 0o777, (await lstat(at('merged'))).uid], [0o700, 5]);
  assert.equal(await readFile(at('target'), 'utf8'), 'untouched');
  assert.equal(await readFile(at('link-to-file'), 'utf8'), 'now a file too');
  assert.equal((await lstat(at('link-to-dir'))).isDirectory(), true);
  assert.equal(await readFile(at('file-to-dir/inner'), 'utf8'), 'i');
  assert.equal(await readlink(at('link-to-link')), 'elsewhere');
  assert.equal(await readFile(at('twice'), 'utf8'), 'second');
  assert.equal(await readFile(at('twice-linked'), 'utf8'), 'first');
});

test('apply() keeps the time of a directory that the layer does not list', async () => {
  await using bench = await openBench();
  await mkdir(join(bench.root, 'untouched/by/name'), { recursive: true });
  for (const name of ['untouched/by/name', 'untouched/by', 'untouched'])
    await utimes(join(bench.root, name), 1000, 2000);
  await bench.apply(
    archiveOf(
      { name: 'untouched/by/name/file' },
      { name: 'untouched/.wh.nothing' },
      { name: 'listed/later/file' },
      directory('listed/later'),
      directory('listed'),
    ),
  );
  for (const name of ['untouched/by/name', 'untouched/by', 'untouched'])
    assert.equal((await lstat(join(bench.root, name))).mtimeMs, 2_000_000, name);
  for (const name of ['listed', 'listed/later'])
    assert.equal((await lstat(join(bench.root, name), { bigint: true })).mtimeNs, fixtureTime, name);
});

test('apply() follows a parent that is a symbolic link, inside the root only', async () => {
  await using bench = await openBench();
  const outside = await bench.scratch.directory('outside');
  await bench.apply(
    archiveOf(
      directory('usr/lib'),
      symlink('lib', 'usr/lib'),
      { name: 'lib/through', content: '1' },
      symlink('absolute', '/usr/lib'),
      { name: 'absolute/through-absolute', content: '2' },
      symlink('climbing', '../../../../usr/../usr/lib'),
      { name: 'climbing/through-climbing', content: '3' },
      symlink('dangling', '/made/on/demand'),
      { name: 'dangling/file', content: '4' },
      symlink('escape', outside),
      { name: 'escape/file', content: '5' },
      { name: '/rooted', content: '6' },
      { name: './dotted', content: '7' },
    ),
  );
  const read = (name: string): Promise<string> => readFile(join(bench.root, name), 'utf8');
  const names = ['usr/lib/through', 'usr/lib/through-absolute', 'usr/lib/through-climbing', 'made/on/demand/file'];
  assert.deepEqual(await Promise.all([...names, join(outside, 'file'), 'rooted', 'dotted'].map(read)), [
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '7',
  ]);
  assert.deepEqual(await pictureOf(outside).then((lines) => lines.length), 1);
  const implied = await lstat(join(bench.root, 'made/on'));
  assert.deepEqual([implied.mode & 0o7777, implied.uid, implied.gid], [0o755, 0, 0]);
});

test('apply() leaves out attributes that are not for layers, and says so', async () => {
  await using scratch = await openScratch();
  const root = await scratch.directory('root');
  const warnings: string[] = [];
  const logger = createLogger({ level: 'warn', write: (line) => warnings.push(line) });
  await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts'), logger });
  const path = join(scratch.path, 'layer');
  const xattrs = {
    'trusted.overlay.opaque': 'y',
    'user.overlay.opaque': 'y',
    'security.ima': 'x',
    'trusted.mine': 'm',
  };
  await writeFile(path, archiveOf(directory('d', { xattrs }), { ...symlink('l', 'd'), xattrs: { 'user.x': '1' } }));
  await layers.apply({ path, compression: 'none', mounts: bindMount(root) });
  assert.deepEqual(await llistxattr(join(root, 'd')), ['trusted.mine']);
  assert.equal(warnings.length, 4);
  assert.match(
    warnings.join(''),
    /trusted\.overlay\.opaque.*\n.*user\.overlay\.opaque.*\n.*security\.ima.*\n.*user\.x/,
  );
});

test('apply() of archives made by GNU tar gives the tree that GNU tar gives', async () => {
  await using bench = await openBench();
  const source = await bench.scratch.directory('source');
  await makeRichTree(source);
  const formats = ['ustar', 'gnu', 'posix', 'oldgnu', 'v7'];
  for (const format of formats) {
    const isSmall = format === 'ustar' || format === 'v7';
    const xattrs = format === 'posix' ? ['--xattrs', '--xattrs-include=*'] : [];
    const exclude = isSmall ? ['--exclude=*long*', '--exclude=*nnnn*', '--exclude=devices'] : [];
    const archive = join(bench.scratch.path, `${format}.tar`);
    await run('tar', [`--format=${format}`, ...xattrs, ...exclude, '-C', source, '-cf', archive, '.']);
    const [ours, theirs] = [
      await bench.scratch.directory(`ours-${format}`),
      await bench.scratch.directory(`theirs-${format}`),
    ];
    await run('tar', ['--same-owner', ...xattrs, '-C', theirs, '-xpf', archive]);
    await bench.apply(await readFile(archive), { mounts: bindMount(ours) });
    assert.deepEqual(await pictureOf(ours), await pictureOf(theirs), format);
  }
});

test('apply() of sparse files gives their content and their holes, in every format', async () => {
  await using bench = await openBench();
  const source = await bench.scratch.directory('source');
  const name =
    'sparse-with-a-name-that-is-long-enough-to-need-an-extended-header-in-whatever-format-it-is-packed-into-by-tar';
  await run(
    'sh',
    [
      '-c',
      `truncate -s 5M "${name}"; for i in $(seq 0 40); do printf data-$i | dd of="${name}" bs=1 seek=$((i*100000)) conv=notrunc status=none; done; truncate -s 3M empty-but-large`,
    ],
    { cwd: source },
  );
  for (const format of [
    ['--format=gnu'],
    ['--format=posix', '--sparse-version=0.0'],
    ['--format=posix', '--sparse-version=0.1'],
    ['--format=posix', '--sparse-version=1.0'],
  ]) {
    const archive = join(bench.scratch.path, 'sparse.tar');
    await run('tar', [...format, '-S', '-C', source, '-cf', archive, '.']);
    assert((await lstat(archive)).size < 1_000_000, 'tar made no sparse archive');
    const target = await bench.scratch.directory(`target${format.join('')}`);
    await bench.apply(await readFile(archive), { mounts: bindMount(target) });
    assert.deepEqual(await readFile(join(target, name)), await readFile(join(source, name)), format.join(' '));
    const empty = await lstat(join(target, 'empty-but-large'));
    assert.deepEqual([empty.size, empty.blocks], [3 * 1024 * 1024, 0]);
  }
});

async function makeRichTree(root: string): Promise<void> {
  const script = `
    mkdir -p a/b/c sticky devices; chmod 1777 sticky; chmod 0700 a/b
    head -c 300000 /dev/urandom > a/random; printf '' > a/empty
    printf hi > a/b/suid; chmod 6755 a/b/suid; chown 12:34 a/b/suid
    ln a/random a/b/c/hard; ln -s ../random a/b/link; ln -s "$(printf 'l%.0s' $(seq 150))" a/long-link
    long=$(printf 'n%.0s' $(seq 120)); mkdir -p "$long/$long"; printf x > "$long/$long/long-$long"
    mkfifo devices/fifo; mknod devices/null c 1 3; mknod devices/loop b 7 0
    printf latin > "$(printf 'a/caf\\351')"; printf utf > a/café
    setfattr -n user.key -v value a/empty; setcap cap_net_raw+ep a/b/suid
    touch -d '2001-02-03 04:05:06.789012345' a/empty; touch -d 1960-01-01 a/old-long; touch -h -d 2010-10-10 a/b/link
    touch -d '1999-12-31 23:59:59.5' a/b/c a/b a`;
  await run('bash', ['-ec', script], { cwd: root });
  await chmod(root, 0o751);
}

test('apply() reports progress, and refuses what is over its limits', async () => {
  await using bench = await openBench();
  const blob = gzipSync(archiveOf({ name: 'zeros', content: Buffer.alloc(50_000_000) }));
  await assert.rejects(bench.apply(blob, { limit: 10_000_000 }), {
    kind: 'resource-exhausted',
    message: /limit of 10000000 bytes/,
  });
  const seen: number[] = [];
  await bench.apply(blob, { onProgress: (consumed) => seen.push(consumed) });
  assert(seen.length > 0 && seen.every((consumed) => consumed > 0 && consumed <= blob.length), String(seen));
});

test('apply() refuses what becomes too large for what it came as, unless that is small', async () => {
  await using scratch = await openScratch();
  const root = await scratch.directory('root');
  const blob = gzipSync(archiveOf({ name: 'zeros', content: Buffer.alloc(3_000_000) }));
  const path = join(scratch.path, 'layer');
  await writeFile(path, blob);
  assert(blob.length * 200 < 3_000_000);
  const apply = async (expansion: ExpansionLimits): Promise<AppliedLayer> => {
    await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts'), expansion });
    return await layers.apply({ path, compression: 'detect', mounts: bindMount(root) });
  };
  await assert.rejects(apply({ ratio: 0, size: 2_000_000 }), {
    kind: 'resource-exhausted',
    message: /limit of 2000000 bytes uncompressed; .*max_layer_size/,
  });
  await apply({ ratio: 200, size: 0 });
  assert.equal(expandedLimit({ ratio: 200, size: 0 }, 10_000_000), 2_000_000_000);
  assert.equal(expandedLimit({ ratio: 200, size: 10 }, 1), 10);
  assert.equal(expandedLimit({ ratio: 200, size: 0 }, 1), 2 ** 30);
});

test('apply() tells what the layer takes of the disk, apart from the layers below', async () => {
  await using scratch = await openScratch();
  const [lower, upper, work] = [
    await scratch.directory('l'),
    await scratch.directory('u'),
    await scratch.directory('w'),
  ];
  await writeFile(join(lower, 'below'), Buffer.alloc(100_000));
  const path = join(scratch.path, 'layer');
  const big = { name: 'd/big', content: Buffer.alloc(50_000, 1) };
  await writeFile(path, archiveOf(directory('d'), big, hardLink('d/again', 'd/big'), symlink('d/link', 'big')));
  await using layers = await openLayers({ temporaryDirectory: join(scratch.path, 'mounts') });
  const mounts = overlayMount([lower], upper, work);
  const { usage } = await layers.apply({ path, compression: 'detect', mounts, withUsage: true });
  assert.deepEqual(usage, await diskUsage(upper));
  assert.equal(usage?.inodes, 4);
  assert.equal((await layers.apply({ path, compression: 'detect', mounts })).usage, undefined);
});

test('apply() with a global header, a volume without end blocks, and bytes after the end', async () => {
  await using bench = await openBench();
  const archive = join(bench.scratch.path, 'global.tar');
  const source = await bench.scratch.directory('source');
  await writeFile(join(source, 'file'), 'content');
  await run('tar', [
    '--format=posix',
    '--pax-option=globexthdr.name=g,comment=anything,path=hijacked',
    '-C',
    source,
    '-cf',
    archive,
    'file',
  ]);
  await bench.apply(await readFile(archive));
  const endless = memberBlocks({ name: 'endless', content: 'e' });
  await bench.apply(endless);
  await bench.apply(Buffer.concat([archiveOf({ name: 'early' }), Buffer.from('whatever follows'.repeat(100))]));
  await bench.apply(Buffer.alloc(0));
  assert.deepEqual(
    (await pictureOf(bench.root)).map((line) => line.split(' ')[0]),
    ['.', 'early', 'endless', 'file'],
  );
});
