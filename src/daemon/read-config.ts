import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import { errnoOf, EngineError } from '#/base/errors.ts';
import { parseLogLevel, type LogLevel } from '#/base/log.ts';
import type { DaemonConfig } from '#/daemon/config.ts';
import { readProxyPlugins } from '#/daemon/proxy-plugins.ts';

export interface ReadConfig {
  readonly config: Partial<DaemonConfig>;
  /** Keys that berth does not know, each in full: `plugins."io.containerd.x".y`. */
  readonly unknownKeys: readonly string[];
}

type Toml = Readonly<Record<string, unknown>>;
type Setting = (value: unknown, key: string) => Partial<DaemonConfig>;

const versions: ReadonlySet<unknown> = new Set([2, 3, 4, 2n, 3n, 4n]);

function text(value: unknown, key: string): string {
  if (typeof value === 'string') return value;
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${key} of the configuration: expected a text, found ${JSON.stringify(value)}`,
  );
}

function absolute(value: unknown, key: string): string {
  const path = text(value, key).replace(/^unix:\/\//, '');
  if (path.startsWith('/')) return path;
  throw new EngineError('invalid-argument', `Cannot use ${key} of the configuration: "${path}" is no absolute path`);
}

function whole(value: unknown, key: string): number {
  const number = Number(value);
  if ((typeof value === 'number' || typeof value === 'bigint') && Number.isSafeInteger(number) && number >= 0)
    return number;
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${key} of the configuration: expected a whole number, found ${JSON.stringify(String(value))}`,
  );
}

function level(value: unknown, key: string): LogLevel {
  const found = parseLogLevel(text(value, key));
  if (found !== undefined) return found;
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${key} of the configuration: "${String(value)}" is no log level; levels are trace, debug, info, warn, error`,
  );
}

function format(value: unknown, key: string): 'text' | 'json' {
  const word = text(value, key) || 'text';
  if (word === 'text' || word === 'json') return word;
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${key} of the configuration: "${word}" is neither "text" nor "json"`,
  );
}

function known(value: unknown, key: string): Partial<DaemonConfig> {
  if (!versions.has(value))
    throw new EngineError(
      'invalid-argument',
      `Cannot use configuration version ${String(value)}: berth reads containerd's versions 2, 3 and 4 (${key})`,
    );
  return {};
}

/** The keys that berth follows, with containerd's names; `berth.*` are its own. */
const settings: Readonly<Record<string, Setting>> = {
  version: known,
  root: (value, key) => ({ root: absolute(value, key) }),
  state: (value, key) => ({ state: absolute(value, key) }),
  'grpc.address': (value, key) => ({ address: absolute(value, key) }),
  'grpc.gid': (value, key) => ({ gid: whole(value, key) }),
  'debug.level': (value, key) => (value === '' ? {} : { logLevel: level(value, key) }),
  'debug.format': (value, key) => ({ logFormat: format(value, key) }),
  'berth.docker_address': (value, key) => ({ dockerAddress: absolute(value, key) }),
  'berth.snapshotter': (value, key) => ({ snapshotter: text(value, key) }),
  'berth.runtime': (value, key) => ({ runtime: text(value, key) }),
};

/** Reads a configuration's text. Throws `invalid-argument` with the place of a mistake. */
export function parseConfig(source: string, path: string): ReadConfig {
  let document: Toml;
  try {
    document = parse(source);
  } catch (cause) {
    const place =
      cause instanceof TomlError
        ? `line ${cause.line}, column ${cause.column}: ${cause.message.split('\n')[0]}`
        : String(cause);
    throw new EngineError('invalid-argument', `Cannot read configuration "${path}": ${place}`, { cause });
  }
  const { proxy_plugins: proxies = {}, ...rest } = document;
  const unknownKeys: string[] = [];
  let config: Partial<DaemonConfig> = { proxyPlugins: readProxyPlugins(proxies, (key) => unknownKeys.push(key)) };
  for (const [key, value] of leaves(rest, '')) {
    const setting = settings[key];
    if (setting === undefined) unknownKeys.push(key);
    else config = { ...config, ...setting(value, key) };
  }
  return { config, unknownKeys };
}

function* leaves(table: Toml, prefix: string): Generator<[key: string, value: unknown]> {
  for (const [name, value] of Object.entries(table)) {
    const key = `${prefix}${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`;
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
    if (isTable) yield* leaves(value as Toml, `${key}.`);
    else yield [key, value];
  }
}

/** Reads the file; one that nobody asked for by name may be missing. */
export async function readConfig(path: string, required: boolean): Promise<ReadConfig> {
  try {
    return parseConfig(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (!required && errnoOf(error) === 'ENOENT') return { config: {}, unknownKeys: [] };
    if (error instanceof EngineError) throw error;
    throw new EngineError(
      'invalid-argument',
      `Cannot read configuration "${path}": ${errnoOf(error) ?? String(error)}`,
      { cause: error },
    );
  }
}

/** The configuration as a file that `readConfig` takes, with what each key is for. */
export function formatConfig(config: DaemonConfig): string {
  const quoted = JSON.stringify;
  return `# berthd reads containerd's configuration, versions 2 to 4, and a section of its own.
version = 3

# Persistent files: content, snapshots, metadata, containers' logs.
root = ${quoted(config.root)}
# Sockets, bundles and mounts.
state = ${quoted(config.state)}

[grpc]
# All gRPC services; shims use the same path with ".ttrpc" behind it.
address = ${quoted(config.address)}
# Group that may use the sockets.
gid = ${config.gid}

[debug]
# trace, debug, info, warn or error
level = ${quoted(config.logLevel)}
# text or json
format = ${quoted(config.logFormat)}

[berth]
# Docker's API.
docker_address = ${quoted(config.dockerAddress)}
# For containers made through Docker's API: overlayfs or native.
snapshotter = ${quoted(config.snapshotter)}
runtime = ${quoted(config.runtime)}
`;
}
