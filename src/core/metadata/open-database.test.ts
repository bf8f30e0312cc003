import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtempDisposable, open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { openDatabase } from '#/core/metadata/open-database.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { migrations } from '#/core/metadata/schema.ts';

const run = promisify(execFile);
const lease = (id: string) => ({ id, labels: { pad: 'x'.repeat(1000) }, createdAt: 1n });

async function directory() {
  const dir = await mkdtempDisposable(join(tmpdir(), 'database-'));
  return { path: join(dir.path, 'meta.db'), dir: dir.path, [Symbol.asyncDispose]: () => dir.remove() };
}

/** Makes a file with some hundred leases and closes it. */
async function fill(path: string): Promise<void> {
  await using metadata = await openMetadata({ path });
  await metadata.write((tx) => {
    for (let count = 0; count < 300; count++) tx.leases.create('n', lease(`l${count}`));
  });
}

test('openDatabase() refuses a file of a newer program and leaves it as it is', async () => {
  await using here = await directory();
  await fill(here.path);
  openDatabase(here.path, [...migrations, 'CREATE TABLE future (x)'])[Symbol.dispose]();
  const before = await readFile(here.path);
  await assert.rejects(openMetadata({ path: here.path }), {
    kind: 'failed-precondition',
    message: new RegExp(
      `a newer berth wrote it \\(layout ${migrations.length + 1}, this one knows up to ${migrations.length}\\)`,
    ),
  });
  assert.deepEqual(await readFile(here.path), before);
});

test('openDatabase() takes a file from layout to layout and keeps its records', async () => {
  await using here = await directory();
  await fill(here.path);
  using database = openDatabase(here.path, [...migrations, "ALTER TABLE leases ADD COLUMN note TEXT DEFAULT 'x'"]);
  assert.deepEqual({ ...database.find('SELECT count(*) AS n FROM leases WHERE note = ?', 'x') }, { n: 300n });
  assert.deepEqual({ ...database.find('PRAGMA user_version') }, { user_version: BigInt(migrations.length + 1) });
});

test('openDatabase() leaves the file at its layout when a step fails', async () => {
  await using here = await directory();
  await fill(here.path);
  const steps = [...migrations, 'CREATE TABLE fine (x); CREATE TABLE leases (x)'];
  assert.throws(() => openDatabase(here.path, steps), {
    kind: 'internal',
    message: new RegExp(`layout ${migrations.length + 1}.*leases already exists`),
  });
  using database = openDatabase(here.path);
  assert.deepEqual({ ...database.find('PRAGMA user_version') }, { user_version: BigInt(migrations.length) });
  assert.equal(database.find("SELECT 1 FROM sqlite_schema WHERE name = 'fine'"), undefined);
});

test('openMetadata() refuses a damaged file, names it, says what to do, and leaves it', async () => {
  await using here = await directory();
  await fill(here.path);
  await using file = await open(here.path, 'r+');
  const { size } = await file.stat();
  for (let at = 4096; at < size; at += 4096) await file.write(Buffer.alloc(600, 0xee), 0, 600, at);
  await file.close();
  const before = await readFile(here.path);
  const { message } = (await openMetadata({ path: here.path }).catch((error: unknown) => error)) as Error;
  assert(message.includes(here.path) && message.includes('damaged') && message.includes('restore a copy'), message);
  await assert.rejects(openMetadata({ path: here.path }), { kind: 'data-loss' });
  assert.deepEqual(await readFile(here.path), before);
});

test('openMetadata() refuses a cut file and one that is no database', async () => {
  await using here = await directory();
  await fill(here.path);
  await truncate(here.path, 4096 * 3);
  await assert.rejects(openMetadata({ path: here.path }), { kind: 'data-loss', message: /restore a copy/ });
  const text = join(here.dir, 'text.db');
  await writeFile(text, 'not a database at all\n'.repeat(100));
  await assert.rejects(openMetadata({ path: text }), {
    kind: 'data-loss',
    message: /text\.db": it is no SQLite database/,
  });
  assert.equal(await readFile(text, 'utf8'), 'not a database at all\n'.repeat(100));
});

test('openMetadata() refuses the database of another program', async () => {
  await using here = await directory();
  using other = new DatabaseSync(here.path);
  other.exec('CREATE TABLE theirs (x)');
  await assert.rejects(openMetadata({ path: here.path }), { kind: 'failed-precondition', message: /another program/ });
});

test('openMetadata() where no directory can be fails with the path', async () => {
  await using here = await directory();
  await writeFile(here.path, '');
  await assert.rejects(openMetadata({ path: join(here.path, 'meta.db') }), {
    kind: 'unavailable',
    message: /meta\.db\/meta\.db": E(NOTDIR|EXIST)/,
  });
});

test('write() on a full disk is resource-exhausted, changes nothing, and works again when there is room', async () => {
  await using here = await directory();
  const mountpoint = join(here.dir, 'small');
  await mkdir(mountpoint);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mountpoint]);
  try {
    const filler = join(mountpoint, 'filler');
    await writeFile(filler, Buffer.alloc(300_000));
    const path = join(mountpoint, 'meta.db');
    await using metadata = await openMetadata({ path });
    let written = 0;
    await assert.rejects(
      async () => {
        for (; ; written++) await metadata.write((tx) => tx.leases.create('n', lease(`l${written}`)));
      },
      { kind: 'resource-exhausted', message: /meta\.db.*disk is full/ },
    );
    assert(written > 5);
    assert.equal(metadata.read.leases.list('n').length, written);
    await truncate(filler, 0);
    await metadata.write((tx) => tx.leases.create('n', lease('again')));
    assert.equal(metadata.read.leases.list('n').length, written + 1);
  } finally {
    await run('umount', [mountpoint]);
  }
});

test('openMetadata() bounds its log while it is written to, and folds it into the file', async () => {
  await using here = await directory();
  await using metadata = await openMetadata({ path: here.path });
  for (let count = 0; count < 1500; count++)
    await metadata.write((tx) => {
      if (count > 0) tx.leases.delete('n', `l${count - 1}`);
      tx.leases.create('n', lease(`l${count}`));
    });
  const { size } = await stat(`${here.path}-wal`);
  assert(size < 4 * 1024 * 1024, `the log has ${size} bytes`);
  const copy = join(here.dir, 'copy.db');
  await copyFile(here.path, copy);
  using folded = new DatabaseSync(copy);
  const row = folded.prepare('SELECT max(seq) AS seq FROM changes').get();
  assert(Number(row?.['seq']) > 1000, 'the file itself must have most of the changes');
});

test('openMetadata() lets sqlite3 read beside it, and waits for a lock that is held for a while', async () => {
  await using here = await directory();
  await using metadata = await openMetadata({ path: here.path });
  await metadata.write((tx) => tx.leases.create('n', lease('a')));
  const { stdout } = await run('sqlite3', [here.path, 'SELECT id FROM leases']);
  assert.equal(stdout, 'a\n');
  await metadata.write((tx) => tx.leases.create('n', lease('b')));
  const holder = spawn('sqlite3', [here.path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(holder, 'close');
  try {
    holder.stdin.write("BEGIN IMMEDIATE;\nSELECT 'held';\n");
    await once(holder.stdout, 'data');
    let done = false;
    const written = metadata.write((tx) => tx.leases.create('n', lease('c'))).then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(done, false);
    holder.stdin.end('ROLLBACK;\n');
    await written;
  } finally {
    holder.stdin.end();
    await closed;
  }
  assert.equal(metadata.read.leases.list('n').length, 3);
});

test('write() and read after the end are unavailable', async () => {
  await using here = await directory();
  const metadata = await openMetadata({ path: here.path });
  const last = metadata.write((tx) => tx.leases.create('n', lease('last')));
  await metadata[Symbol.asyncDispose]();
  await last;
  await assert.rejects(
    metadata.write(() => 1),
    { kind: 'unavailable' },
  );
  assert.throws(() => metadata.read.leases.list('n'), { kind: 'unavailable', message: /it is closed/ });
  await using again = await openMetadata({ path: here.path });
  assert(again.read.leases.find('n', 'last') !== undefined);
});
