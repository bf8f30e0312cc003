import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { EngineError, messageOf } from '#/base/errors.ts';
import type { FileCache } from '#/core/registry/file-cache.ts';
import type { TlsFiles } from '#/core/registry/registry-host.ts';

/** Whom to trust on a connection, and who we are. */
export interface HostTls {
  readonly context: SecureContext;
  readonly skipVerify: boolean;
}

/** What a host's TLS files make of its connections, and of those to other places that it sends us to. */
export interface TlsOfHost {
  readonly own: HostTls;
  /** Trusts the same, but does not say who we are. */
  readonly elsewhere: HostTls;
}

export interface TlsContexts {
  /** Throws `failed-precondition` that names the file which is missing or no use. */
  open(tls: TlsFiles): Promise<TlsOfHost>;
}

/** Where distributions keep the authorities that they, and their users, trust. */
const systemBundles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Each context holds some hundred parsed certificates. */
const mostContexts = 16;

export interface TlsContextsOptions {
  readonly files: FileCache;
  /** PEM certificates to trust beside Node's own and the system's. */
  readonly ca: readonly string[];
  /** Names the system's bundle as `SSL_CERT_FILE`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function createTlsContexts({ files, ca, environment }: TlsContextsOptions): TlsContexts {
  const contexts: { readonly material: Material; readonly context: SecureContext }[] = [];
  const named = environment['SSL_CERT_FILE'] ?? '';
  const readSystem = async (): Promise<string> => {
    for (const path of named === '' ? systemBundles : [named]) {
      const bundle = await files.find(path);
      if (bundle !== undefined) return bundle.toString('latin1');
    }
    return '';
  };
  const contextOf = (material: Material, named: readonly string[]): SecureContext => {
    const at = contexts.findIndex((entry) => isDeepStrictEqual(entry.material, material));
    const [found] = at < 0 ? [] : contexts.splice(at, 1);
    const entry = found ?? { material, context: createContext(material, named) };
    contexts.push(entry);
    if (contexts.length > mostContexts) contexts.shift();
    return entry.context;
  };
  return {
    open: async (tls) => {
      const read = async (path: string): Promise<string> => await readPem(files, path);
      const own = await Promise.all((tls.ca ?? []).map(read));
      const certificates = await Promise.all((tls.client ?? []).map(async ({ cert }) => await read(cert)));
      const keys = await Promise.all((tls.client ?? []).map(async ({ cert, key }) => await read(key ?? cert)));
      const trusted = [await readSystem(), ...ca, ...own];
      const skipVerify = tls.skipVerify ?? false;
      const elsewhere = { context: contextOf({ trusted, certificates: [], keys: [] }, tls.ca ?? []), skipVerify };
      if (certificates.length === 0) return { own: elsewhere, elsewhere };
      const named = (tls.client ?? []).flatMap(({ cert, key }) => (key === undefined ? [cert] : [cert, key]));
      return { own: { context: contextOf({ trusted, certificates, keys }, named), skipVerify }, elsewhere };
    },
  };
}

interface Material {
  readonly trusted: readonly string[];
  readonly certificates: readonly string[];
  readonly keys: readonly string[];
}

async function readPem(files: FileCache, path: string): Promise<string> {
  const bytes = await files.find(path);
  if (bytes === undefined) throw unusable(path, 'there is no such file');
  const text = bytes.toString('latin1');
  if (!text.includes('-----BEGIN ')) throw unusable(path, 'it holds no PEM certificate or key');
  return text;
}

function createContext({ trusted, certificates, keys }: Material, named: readonly string[]): SecureContext {
  const all = [...rootCertificates, ...trusted.flatMap((bundle) => bundle.match(pemCertificate) ?? [])];
  // The two lists share most of their certificates, and parsing is what takes the time.
  const unique = new Map(all.map((pem) => [pem.replace(/\s+/g, ''), pem]));
  try {
    return createSecureContext({
      ca: [...unique.values()],
      ...(certificates.length === 0 ? {} : { cert: [...certificates], key: [...keys] }),
    });
  } catch (cause) {
    const files = named.map((path) => `"${path}"`).join(', ');
    throw new EngineError('failed-precondition', `Cannot use certificates and keys of ${files}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function unusable(path: string, why: string): EngineError {
  return new EngineError('failed-precondition', `Cannot use certificate file "${path}": ${why}`);
}
