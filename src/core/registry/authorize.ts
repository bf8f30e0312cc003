import { EngineError } from '#/base/errors.ts';
import { parseChallenges, type Challenge } from '#/core/registry/challenge.ts';
import type { Connections } from '#/core/registry/connections.ts';
import type { CredentialRequest, Credentials } from '#/core/registry/contract.ts';
import { basicHeader, fetchToken, type Token } from '#/core/registry/fetch-token.ts';
import type { RetryPolicy } from '#/core/registry/retry.ts';

export interface AuthorizerOptions {
  readonly connections: Connections;
  readonly registry: URL;
  /** Asked once, when the registry first wants a login. */
  readonly findCredentials: (request: CredentialRequest) => Promise<Credentials | undefined>;
  readonly retryPolicy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
}

/** What to put into Authorization. Tokens are kept per scope until they end; nothing outlives the repository object. */
export interface Authorizer {
  /** The header for these scopes, when one is known. */
  known(scopes: readonly string[]): string | undefined;
  /** Answers a 401 and its WWW-Authenticate. `refused` is the header that it refused, if one was sent. Throws `unauthenticated`. */
  answer(challenges: string, scopes: readonly string[], refused: string | undefined): Promise<string>;
  /** Why a login may have been in vain. */
  explain(): Promise<string>;
}

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const tokens = new Map<string, Token>();
  const pending = new Map<string, Promise<string>>();
  let general: string | undefined;
  let credentials: Promise<Credentials | undefined> | undefined;

  const keyOf = (scopes: readonly string[]): string => scopes.toSorted().join(' ');
  const known = (scopes: readonly string[]): string | undefined => {
    const token = tokens.get(keyOf(scopes));
    return token !== undefined && token.expiresAt > Date.now() ? `Bearer ${token.value}` : general;
  };
  const logIn = async (header: string, scopes: readonly string[]): Promise<string> => {
    credentials ??= options.findCredentials({ host: options.registry.host, challenges: [header] });
    const found = await credentials;
    const challenges = parseChallenges(header);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (found?.authorization !== undefined) return (general = found.authorization);
    if (found?.registryToken !== undefined) return (general = `Bearer ${found.registryToken}`);
    if (bearer === undefined) return (general = basicAnswer(options.registry, challenges, found));
    const token = await fetchToken(options.connections, {
      ...options,
      challenge: bearer,
      scopes: mergeScopes(scopes, bearer.parameters['scope']),
      credentials: found,
    });
    tokens.set(keyOf(scopes), token);
    return `Bearer ${token.value}`;
  };
  const answer = async (
    challenges: string,
    scopes: readonly string[],
    refused: string | undefined,
  ): Promise<string> => {
    const current = known(scopes);
    if (current !== undefined && current !== refused) return current;
    const key = keyOf(scopes);
    const login = pending.get(key) ?? logIn(challenges, scopes).finally(() => pending.delete(key));
    pending.set(key, login);
    const header = await login;
    if (header === refused) throw refusedLogin(options.registry, await credentials);
    return header;
  };
  const explain = async (): Promise<string> => whyRefused(options.registry, await credentials);
  return { known, answer, explain };
}

function basicAnswer(registry: URL, challenges: readonly Challenge[], found: Credentials | undefined): string {
  if (!challenges.some(({ scheme }) => scheme === 'basic')) {
    const offered = challenges.map(({ scheme }) => `"${scheme.slice(0, 40)}"`).join(', ');
    throw new EngineError(
      'unauthenticated',
      `Cannot log in to "${registry.host}": it offers ${offered === '' ? 'no way to log in' : `only ${offered}`}`,
    );
  }
  if (found?.username === undefined) throw refusedLogin(registry, found);
  return basicHeader(found);
}

function refusedLogin(registry: URL, found: Credentials | undefined): EngineError {
  return new EngineError('unauthenticated', `Cannot log in to "${registry.host}": ${whyRefused(registry, found)}`);
}

function whyRefused({ host }: URL, found: Credentials | undefined): string {
  return found === undefined
    ? `it wants a login and there are no credentials for it; log in to "${host}" first`
    : 'it refuses the credentials';
}

/** What we need, and what the registry says that it takes. */
function mergeScopes(wanted: readonly string[], offered: string | undefined): string[] {
  return [...new Set([...wanted, ...(offered ?? '').split(' ').filter((scope) => scope !== '')])];
}
