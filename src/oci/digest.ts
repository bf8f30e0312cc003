import { createHash } from 'node:crypto';
import { EngineError } from '#/base/errors.ts';

declare const brand: unique symbol;

/** A checked `sha256:<64 hex>` (or sha512). Only parseDigest and digestOf make one, so a path built from it is safe. */
export type Digest = string & { readonly [brand]: 'Digest' };

const lengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':');
  const hex = text.slice(colon + 1);
  return lengths[text.slice(0, colon)] === hex.length && /^[0-9a-f]+$/.test(hex);
}

/** Reads an OCI digest (image-spec descriptor.md). Throws `invalid-argument`. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new EngineError(
    'invalid-argument',
    `Cannot read ${JSON.stringify(text.slice(0, 150))} as a digest: expected "sha256:" and 64 lower-case hex digits`,
  );
}

export function digestOf(data: string | Uint8Array): Digest {
  return sha256Digest(createHash('sha256').update(data).digest('hex'));
}

/** Makes the digest of a finished sha256 in hex. */
export function sha256Digest(hex: string): Digest {
  return parseDigest(`sha256:${hex}`);
}

export function algorithmOf(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':'));
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The first twelve hex digits, as people's tables show ids. */
export function shortDigest(digest: Digest): string {
  return hexOf(digest).slice(0, 12);
}
