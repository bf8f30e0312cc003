import { EngineError } from '#/base/errors.ts';
import { isDigest, type Digest } from '#/oci/digest.ts';

/** A checked, fully qualified image reference: `docker.io/library/busybox:latest`, `localhost:5000/a@sha256:…`. */
export interface Reference {
  /** `docker.io`, `localhost:5000`: always present. */
  readonly domain: string;
  /** `library/busybox`. */
  readonly path: string;
  /** Present unless only a digest was given. */
  readonly tag?: string;
  readonly digest?: Digest;
}

const domainPart =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
const pathPart = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPart = /^\w[\w.-]{0,127}$/;
const longestName = 255;

/**
 * Reads a reference as people write it: `busybox` is `docker.io/library/busybox:latest` (distribution-spec, with
 * Docker's defaults). Throws `invalid-argument`.
 */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new EngineError(
      'invalid-argument',
      `Cannot read image reference ${JSON.stringify(text.slice(0, 300))}: ${why}`,
    );
  };
  if (/^[0-9a-f]{64}$/.test(text)) return fail('a name of 64 hex digits would be taken for an id');
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) return fail('what follows "@" is not a digest');
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !tagPart.test(tag)) return fail(`the tag "${tag}" has characters that a tag cannot have`);
  const { domain, path } = splitDomain(colon < 0 ? named : named.slice(0, colon));
  if (path === '') return fail('it has no name');
  if (!domainPart.test(domain)) return fail(`"${domain}" is no registry host`);
  if (path !== path.toLowerCase()) return fail('a repository name must be lower case');
  if (!pathPart.test(path)) return fail('a repository name has only lower-case letters, digits and single separators');
  if (domain.length + path.length + 1 > longestName) return fail(`the name is longer than ${longestName} characters`);
  return {
    domain,
    path,
    ...(tag !== undefined ? { tag } : digest === undefined ? { tag: 'latest' } : {}),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The same; undefined for what is no reference. */
export function findReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof EngineError && error.kind === 'invalid-argument') return undefined;
    throw error;
  }
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = looksLikeHost(first);
  const domain = isHost ? first : 'docker.io';
  const path = isHost ? name.slice(slash + 1) : name;
  const hub = domain === 'docker.io' || domain === 'index.docker.io';
  if (!hub) return { domain, path };
  return { domain: 'docker.io', path: path === '' || path.includes('/') ? path : `library/${path}` };
}

/** What tells `ghcr.io/a` from `user/a`. */
function looksLikeHost(segment: string): boolean {
  return segment === 'localhost' || /[.:]/.test(segment) || segment !== segment.toLowerCase();
}

/** The stored form, as containerd names images. */
export function formatReference({ domain, path, tag, digest }: Reference): string {
  return `${domain}/${path}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** `docker.io/library/busybox` → `busybox`, `docker.io/a/b` → `a/b`; in full what would be read as something else. */
export function familiarRepository({ domain, path }: Reference): string {
  const [first = '', second, third] = path.split('/');
  if (domain !== 'docker.io' || (second !== undefined && looksLikeHost(first))) return `${domain}/${path}`;
  return first === 'library' && second !== undefined && third === undefined ? second : path;
}

/** As people write it: `busybox:latest`. */
export function familiarReference(reference: Reference): string {
  const { tag, digest } = reference;
  return `${familiarRepository(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}
