import { EngineError } from '#/base/errors.ts';

/** image-spec image-index.md, `platform`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

const nodeArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' };

/** The platform that this host runs. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: nodeArchitectures[process.arch] ?? process.arch });
}

const architectureNames: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  i386: '386',
  i686: '386',
};

/** Go's names, lower case; arm64 without its only variant v8, arm with v7 when it says none. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const given = platform.architecture.toLowerCase();
  const architecture = architectureNames[given] ?? given;
  const variant = normalVariant(given, architecture, platform.variant?.toLowerCase() || undefined);
  const { variant: _dropped, ...rest } = platform;
  return { ...rest, os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function normalVariant(given: string, architecture: string, variant: string | undefined): string | undefined {
  if (architecture === 'arm64') return variant === 'v8' || variant === '8' ? undefined : variant;
  if (architecture === 'amd64') return variant === 'v1' ? undefined : variant;
  if (architecture !== 'arm') return variant;
  if (given === 'armel') return 'v6';
  if (variant === undefined) return 'v7';
  return variant.startsWith('v') ? variant : `v${variant}`;
}

/** Names that stand for an operating system when they stand alone. */
const operatingSystems: ReadonlySet<string> = new Set(['linux', 'windows', 'darwin', 'freebsd', 'wasi']);

/** Reads `os/arch[/variant]`, `arch` or `os`. Throws `invalid-argument`. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || !parts.every((part) => /^[A-Za-z0-9_.-]+$/.test(part)))
    throw new EngineError(
      'invalid-argument',
      `Cannot read platform ${JSON.stringify(text)}: expected "os/arch" or "os/arch/variant"`,
    );
  const [first = '', second, variant] = parts;
  if (second === undefined)
    return operatingSystems.has(first.toLowerCase())
      ? { ...hostPlatform(), os: first.toLowerCase() }
      : normalizePlatform({ os: 'linux', architecture: first });
  return normalizePlatform({ os: first, architecture: second, ...(variant === undefined ? {} : { variant }) });
}

export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined || variant === '' ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** What an architecture means that names no variant. */
const baseLevels: Readonly<Record<string, number>> = { amd64: 1, arm64: 8 };

/** Lower is better; undefined does not run here at all. A later variant runs images of the earlier ones. */
export function rankPlatform(wanted: Platform, offered: Platform): number | undefined {
  const want = normalizePlatform(wanted);
  const offer = normalizePlatform(offered);
  if (want.os !== offer.os || want.architecture !== offer.architecture) return undefined;
  if (want.variant === offer.variant) return 0;
  const level = (variant: string | undefined): number =>
    variant === undefined ? (baseLevels[want.architecture] ?? 0) : Number(variant.replace(/^v/, ''));
  const distance = level(want.variant) - level(offer.variant);
  return distance > 0 ? distance : undefined;
}
