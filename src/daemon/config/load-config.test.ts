import assert from 'node:assert/strict';
import { mkdtempDisposable, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { messageOf } from '#/base/errors.ts';
import { loadDocument } from '#/daemon/config/load-config.ts';

async function files(contents: Readonly<Record<string, string>>): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'config-'));
  await mkdir(join(directory.path, 'conf.d'));
  for (const [name, text] of Object.entries(contents)) await writeFile(join(directory.path, name), text);
  return directory;
}

test('loadDocument() merges drop-ins as containerd does', async () => {
  await using directory = await files({
    'main.toml': `
      version = 3
      imports = ["conf.d/*.toml"]
      disabled_plugins = ["a.b"]
      oom_score = 5
      [debug]
      level = "debug"
      [plugins."x.y"]
      list = ["a", "b"]
      kept = true
      text = "set"
      [timeouts]
      load = "9s"
      [proxy_plugins.p]
      type = "snapshot"
      address = "/p.sock"`,
    'conf.d/2.toml': 'version = 3\noom_score = 7',
    'conf.d/1.toml': `
      version = 2
      disabled_plugins = ["c.d", "a.b"]
      oom_score = 0
      [debug]
      level = ""
      format = "json"
      [plugins."x.y"]
      list = ["c"]
      text = ""
      [timeouts]
      cleanup = "8s"
      [proxy_plugins.p]
      type = "content"`,
    'conf.d/other.txt': 'no toml at all',
  });
  const { document, files: read } = await loadDocument(join(directory.path, 'main.toml'));
  assert.deepEqual(document, {
    version: 4,
    imports: ['conf.d/*.toml'],
    disabled_plugins: ['a.b', 'c.d'],
    oom_score: 7,
    debug: { level: 'debug', format: 'json' },
    plugins: { 'x.y': { list: ['c'], kept: true, text: '' } },
    timeouts: { load: '9s', cleanup: '8s' },
    proxy_plugins: { p: { type: 'content' } },
  });
  assert.deepEqual(
    read.map(({ path, version }) => [path.slice(directory.path.length + 1), version]),
    [
      ['main.toml', 3],
      ['conf.d/1.toml', 2],
      ['conf.d/2.toml', 3],
    ],
  );
});

test('loadDocument() reads a file once, however often it is imported, and names those that are not there', async () => {
  await using directory = await files({
    'main.toml': 'version = 3\nimports = ["main.toml", "other.toml", "gone.toml", "none/*.toml"]',
    'other.toml': 'version = 3\nimports = ["main.toml"]\nroot = "/r"',
  });
  const { document, files: read, missing } = await loadDocument(join(directory.path, 'main.toml'));
  assert.equal(document['root'], '/r');
  assert.equal(read.length, 2);
  assert.deepEqual(missing, [join(directory.path, 'gone.toml')]);
});

test('loadDocument() of a missing file throws, unless nobody asked for it; drop-ins are read all the same', async () => {
  await using directory = await files({ 'conf.d/a.toml': 'version = 4\nroot = "/r"' });
  const path = join(directory.path, 'config.toml');
  await assert.rejects(loadDocument(path), { kind: 'invalid-argument', message: /config\.toml"/ });
  const { document } = await loadDocument(path, { optional: true, dropIns: ['conf.d/*.toml'] });
  assert.equal(document['root'], '/r');
});

test('loadDocument() names the file and the line of a mistake', async () => {
  await using directory = await files({
    'main.toml': 'version = 3\nimports = ["bad.toml"]',
    'bad.toml': 'version = 3\nroot =',
  });
  await assert.rejects(loadDocument(join(directory.path, 'main.toml')), {
    kind: 'invalid-argument',
    message: /bad\.toml": line 2/,
  });
});

test('loadDocument() says what is wrong with a file, and where, in one line', async () => {
  await using directory = await files({ 'bad.toml': 'version = 3\nroot = \n' });
  const bad = join(directory.path, 'bad.toml');
  await assert.rejects(loadDocument(bad), (error) => {
    assert.equal(messageOf(error), `Cannot read configuration "${bad}": line 2, column 8: invalid value`);
    return true;
  });
  await assert.rejects(loadDocument(join(directory.path, 'none.toml')), {
    kind: 'invalid-argument',
    message: /there is no such file; "berthd config default" prints one/,
  });
});
