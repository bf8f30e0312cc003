import { EngineError } from '#/base/errors.ts';

/** A part of the daemon that another process does, spoken to over gRPC: `[proxy_plugins.<name>]`. */
export interface ProxyPlugin {
  readonly name: string;
  readonly kind: ProxyKind;
  /** A unix socket. */
  readonly address: string;
  /** '' for this machine's. */
  readonly platform: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

export type ProxyKind = 'snapshot' | 'content' | 'diff' | 'sandbox';

const kinds: Readonly<Record<string, ProxyKind>> = {
  snapshot: 'snapshot',
  'io.containerd.snapshotter.v1': 'snapshot',
  content: 'content',
  'io.containerd.content.v1': 'content',
  diff: 'diff',
  'io.containerd.differ.v1': 'diff',
  sandbox: 'sandbox',
  'io.containerd.sandbox.controller.v1': 'sandbox',
};

type Table = Readonly<Record<string, unknown>>;

/** Reads the section. Throws `invalid-argument` with the key for what cannot be; keys it does not know go to `unknown`. */
export function readProxyPlugins(section: unknown, unknown: (key: string) => void): ProxyPlugin[] {
  return Object.entries(tableOf(section, 'proxy_plugins')).map(([name, value]) => {
    const key = (field: string): string =>
      `proxy_plugins.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}.${field}`;
    const { type, address, platform = '', exports = {}, capabilities = [], ...rest } = tableOf(value, key(''));
    for (const field of Object.keys(rest)) unknown(key(field));
    return {
      name,
      kind: kindOf(textOf(type, key('type')), key('type')),
      address: socketOf(textOf(address, key('address')), key('address')),
      platform: textOf(platform, key('platform')),
      exports: Object.fromEntries(
        Object.entries(tableOf(exports, key('exports'))).map(([field, text]) => [field, textOf(text, key('exports'))]),
      ),
      capabilities: textsOf(capabilities, key('capabilities')),
    };
  });
}

function kindOf(type: string, key: string): ProxyKind {
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return kind ?? mistake(key, 'one of "snapshot", "content", "diff", "sandbox"', type);
}

function socketOf(address: string, key: string): string {
  const path = address.replace(/^unix:\/\//, '');
  return path.startsWith('/') ? path : mistake(key, 'the absolute path of a unix socket', address);
}

function tableOf(value: unknown, key: string): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date))
    return value as Table;
  return mistake(key, 'a table', value);
}

const textOf = (value: unknown, key: string): string =>
  typeof value === 'string' ? value : mistake(key, 'a text', value);

const textsOf = (value: unknown, key: string): readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? value
    : mistake(key, 'a list of texts', value);

function mistake(key: string, expected: string, found: unknown): never {
  const shown = found === undefined ? 'nothing' : typeof found === 'bigint' ? String(found) : JSON.stringify(found);
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${key} of the configuration: expected ${expected}, found ${shown.slice(0, 200)}`,
  );
}
