import { EngineError } from '#/base/errors.ts';

const identifier = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;
const longest = 76;

export function isIdentifier(text: string): boolean {
  return text.length <= longest && identifier.test(text);
}

/**
 * Checks a containerd identifier (namespace, container, exec, lease ids): letters, digits and single separators, at
 * most 76 characters. Such a text is safe as a path segment. Throws `invalid-argument`.
 */
export function checkIdentifier(what: string, text: string): string {
  if (isIdentifier(text)) return text;
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${JSON.stringify(shown)} as ${what}: it must be 1 to ${longest} letters and digits with single ".", "_" or "-" between them`,
  );
}
