import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { EngineError } from '#/base/errors.ts';
import { parseGoDuration } from '#/base/go-duration.ts';
import {
  allCapabilities,
  parseHostUrl,
  type Capability,
  type RegistryHost,
  type TlsFiles,
} from '#/core/registry/registry-host.ts';

type Table = Readonly<Record<string, unknown>>;

type HostAddress = Pick<RegistryHost, 'root' | 'scheme'>;
type HostSettings = Omit<RegistryHost, 'root' | 'scheme' | 'upstream'>;

/** What a hosts.toml says: mirrors in the file's order, and the registry itself, whose address may be left out. */
export interface HostsFile {
  readonly mirrors: readonly RegistryHost[];
  readonly server: HostSettings & { readonly address?: HostAddress };
  /** Keys that mean nothing here. */
  readonly unknownKeys: readonly string[];
}

/** Timers know no longer time: 24 days. */
const longestTimeout = 2 ** 31 - 1;
const hostKeys = ['capabilities', 'ca', 'client', 'skip_verify', 'header', 'override_path', 'dial_timeout'];

/** Reads a hosts.toml; relative paths in it start at `directory`. Throws `invalid-argument` with the mistake's place. */
export function parseHostsFile(source: string, directory: string): HostsFile {
  const document = parseToml(source);
  const hosts = table(document['host'] ?? {}, 'host');
  const unknownKeys: string[] = [];
  const read = (entry: Table, place: string): HostSettings => {
    const allowed = place === '' ? [...hostKeys, 'server', 'host'] : hostKeys;
    unknownKeys.push(
      ...Object.keys(entry)
        .filter((key) => !allowed.includes(key))
        .map((key) => place + key),
    );
    return readEntry(entry, place, directory);
  };
  const mirrors = Object.entries(hosts).map(([address, value]) => {
    const place = `host.${JSON.stringify(address)}`;
    const entry = table(value, place);
    return { ...read(entry, `${place}.`), ...addressOf(address, entry), upstream: false };
  });
  const server = document['server'] === undefined ? '' : text(document['server'], 'server');
  const address = server === '' ? {} : { address: addressOf(server, document) };
  return { mirrors, server: { ...read(document, ''), ...address }, unknownKeys };
}

/** A host with http in its address and TLS in its settings means both: https first. */
function addressOf(address: string, entry: Table): HostAddress {
  const root = parseHostUrl(address, entry['override_path'] === true);
  const plain = root.protocol === 'http:';
  const wantsTls = ['ca', 'client', 'skip_verify'].some((key) => entry[key] !== undefined);
  return { root, scheme: !plain ? 'https' : wantsTls && !/:80(?:\/|$)/.test(address) ? 'either' : 'http' };
}

function parseToml(source: string): Table {
  try {
    return parse(source);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    throw mistake(
      `line ${cause.line}, column ${cause.column}`,
      cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '',
    );
  }
}

function readEntry(entry: Table, place: string, directory: string): HostSettings {
  const { capabilities, dial_timeout: dialTimeout, override_path: overridePath } = entry;
  if (overridePath !== undefined) flag(overridePath, `${place}override_path`);
  return {
    capabilities: capabilities === undefined ? allCapabilities : readCapabilities(capabilities, `${place}capabilities`),
    tls: readTls(entry, place, directory),
    headers: readHeaders(entry['header'] ?? {}, `${place}header`),
    ...(dialTimeout === undefined ? {} : { dialTimeout: readTimeout(dialTimeout, `${place}dial_timeout`) }),
  };
}

function readCapabilities(value: unknown, place: string): readonly Capability[] {
  const words = list(value, place).map((entry) => text(entry, place).toLowerCase());
  const known = words.map((word) => allCapabilities.find((capability) => capability === word) ?? unknown(word, place));
  return known.length === 0 ? allCapabilities : known;
}

function unknown(word: string, place: string): never {
  throw mistake(place, `"${word}" is no capability; there are ${allCapabilities.join(', ')}`);
}

function readTls(entry: Table, place: string, directory: string): TlsFiles {
  const { ca, client, skip_verify: skipVerify } = entry;
  const path = (value: unknown, key: string): string => {
    const given = text(value, `${place}${key}`);
    return given.startsWith('/') ? given : join(directory, given);
  };
  const pair = (value: unknown): { cert: string; key?: string } => {
    if (!Array.isArray(value)) return { cert: path(value, 'client') };
    if (value.length !== 2) throw mistake(`${place}client`, 'a pair is a certificate and a key');
    return { cert: path(value[0], 'client'), key: path(value[1], 'client') };
  };
  return {
    ...(ca === undefined ? {} : { ca: (Array.isArray(ca) ? ca : [ca]).map((file) => path(file, 'ca')) }),
    ...(client === undefined ? {} : { client: (Array.isArray(client) ? client : [client]).map(pair) }),
    ...(skipVerify === undefined ? {} : { skipVerify: flag(skipVerify, `${place}skip_verify`) }),
  };
}

/** Header values are a text or a list of texts. Names and values are checked, for they go onto the wire. */
export function readHeaders(value: unknown, place: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(table(value, place)).map(([name, given]) => {
      const words = (Array.isArray(given) ? given : [given]).map((word) => text(word, `${place}.${name}`)).join(', ');
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw mistake(place, `${JSON.stringify(name)} is no name of a header`);
      if (/[^\t\x20-\x7e\x80-\xff]/.test(words)) throw mistake(`${place}.${name}`, 'a header has no such characters');
      return [name.toLowerCase(), words];
    }),
  );
}

function readTimeout(value: unknown, place: string): number {
  const milliseconds = Number(parseGoDuration(text(value, place)) ?? 0n) / 1e6;
  if (milliseconds <= 0) throw mistake(place, 'expected a time like "3s" or "500ms"');
  return Math.min(milliseconds, longestTimeout);
}

function table(value: unknown, place: string): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table;
  throw mistake(place, 'expected a table');
}

function list(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw mistake(place, 'expected a list');
}

function text(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  throw mistake(place, 'expected a text');
}

function flag(value: unknown, place: string): boolean {
  if (typeof value === 'boolean') return value;
  throw mistake(place, 'expected true or false');
}

function mistake(place: string, why: string): EngineError {
  return new EngineError('invalid-argument', `Cannot use ${place}: ${why}`);
}
