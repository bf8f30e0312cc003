/** One way to log in that a 401 offers (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const longestHeader = 16 * 1024;
const part =
  /\s*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+))\s*(,|$|(?=\s|\S))/gy;

/** Reads WWW-Authenticate, several challenges in one header included. What cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const match of header.slice(0, longestHeader).matchAll(part)) {
    const [, name, quoted, plain, scheme] = match;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    else if (name !== undefined) {
      const value = plain ?? (quoted ?? '').replace(/\\(.)/g, '$1');
      const current = challenges.at(-1);
      if (current !== undefined) current.parameters[name.toLowerCase()] = value;
    }
  }
  return challenges;
}
