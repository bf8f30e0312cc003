import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** The order of the whole program, bottom to top. A module imports only from lower ranks, or from itself. */
const ranks: readonly (readonly string[])[] = [
  ['gen', 'base'],
  ['linux', 'oci', 'rpc'],
  ['core/metadata', 'core/events'],
  ['core/content', 'core/snapshots'],
  ['core/layers', 'core/registry', 'core/mounts', 'core/garbage'],
  ['core/images', 'core/network'],
  ['core/containers'],
  ['core/tasks'],
  ['core/restart'],
  ['engine', 'build', 'cri', 'remote'],
  ['api'],
  ['daemon'],
  ['client'],
  ['compose'],
  ['cli'],
];

/** The client side reaches the daemon over the socket, never by import. */
const clientSide = ['client', 'compose', 'cli'];
const sharedWithClients = ['gen', 'base', 'oci', 'rpc', 'linux', ...clientSide];

/** Protobuf stays at the edges: the wire faces, the shim client, and the transports themselves. */
const seesProtobuf = ['gen', 'rpc', 'core/tasks', 'api', 'build', 'cri', 'remote', ...clientSide];

const moduleOf = (path: string): string => path.match(/^(core\/)?[^/]+/)?.[0] ?? path;
const rankOf = (module: string): number => ranks.findIndex((rank) => rank.includes(module));

interface Source {
  readonly file: string;
  readonly module: string;
  readonly text: string;
}

const sources: readonly Source[] = globSync('src/**/*.ts').map((file) => ({
  file,
  module: moduleOf(file.slice('src/'.length)),
  text: readFileSync(file, 'utf8'),
}));

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from|import\(|import)\s*'([^']+)'/g)].map(([, path = '']) => path);

const ourImportsOf = (text: string): string[] =>
  importsOf(text)
    .filter((path) => path.startsWith('#/'))
    .map((path) => path.slice(2));

test('every module has a rank', () => {
  assert(sources.length > 0, 'no sources were found: run the tests from the repository root');
  for (const { file, module } of sources) assert(rankOf(module) >= 0, `${file}: "${module}" has no rank`);
});

test('imports only point down', () => {
  for (const { file, module, text } of sources) {
    for (const path of ourImportsOf(text)) {
      const to = moduleOf(path);
      assert(to === module || rankOf(to) < rankOf(module), `${file} must not import #/${path}`);
    }
  }
});

test('relative imports are not used, so that each import line shows its layer', () => {
  for (const { file, module, text } of sources) {
    if (module === 'gen') continue;
    for (const path of importsOf(text)) assert(!path.startsWith('.'), `${file} imports "${path}": write it as #/…`);
  }
});

test('the client side reaches the daemon over its sockets only', () => {
  for (const { file, module, text } of sources) {
    if (!clientSide.includes(module)) continue;
    for (const path of ourImportsOf(text))
      assert(sharedWithClients.includes(moduleOf(path)), `${file} must not reach into the daemon: #/${path}`);
  }
});

test('protobuf stays at the edges', () => {
  for (const { file, module, text } of sources) {
    if (seesProtobuf.includes(module)) continue;
    for (const path of importsOf(text))
      assert(!path.startsWith('#/gen/') && !path.startsWith('@bufbuild/'), `${file} must not see protobuf: ${path}`);
  }
});

test('only src/linux loads the addon', () => {
  for (const { file, module, text } of sources)
    if (module !== 'linux')
      assert(!/berth\.node|process\.dlopen|createRequire/.test(text), `${file} loads native code`);
});

test('only core/tasks starts shims', () => {
  for (const { file, module, text } of sources)
    if (module !== 'core/tasks' && module !== 'gen')
      assert(!/['"`]containerd-shim-/.test(text), `${file} names a shim binary`);
});

test('only cli and daemon/print.ts print', () => {
  for (const { file, module, text } of sources)
    if (module !== 'cli' && !file.endsWith('daemon/print.ts') && !/\.(?:test|fixture)\.ts$/.test(file))
      assert(!/\bconsole\.|process\.stdout|writeSync\(1/.test(text), `${file} prints`);
});
