import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';

/** A URL without what may be secret in it: user, password, and the query, where storage services put signatures. */
export function plainUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed while sending',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name could not be looked up (temporary failure)',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself and not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  EPROTO: 'it does not speak TLS as expected',
  HPE_HEADER_OVERFLOW: 'its headers are too large',
};

const transient: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ECONNABORTED']);

/** Says in words what became of a request; `tried` is `GET https://host/path`. */
export function describeNetworkError(tried: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const code = innermostCode(error);
  const why = (code === undefined ? undefined : wordsFor(code)) ?? withoutSecrets(messageOf(error));
  return new EngineError('unavailable', `Cannot ${tried}: ${why}`, { cause: { code } });
}

/** The codes of Node's HTTP parser begin alike. */
const wordsFor = (code: string): string | undefined =>
  words[code] ?? (code.startsWith('HPE_') ? 'it does not speak HTTP as expected' : undefined);

/** A proxy's address may carry a password, and Node puts that address into its messages. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//');
}

function innermostCode(error: unknown): string | undefined {
  if (error instanceof AggregateError) return innermostCode(error.errors[0]);
  return errnoOf(error) ?? (error instanceof Error ? innermostCode(error.cause) : undefined);
}

/** Whether the same request may well succeed in a moment. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof EngineError) || typeof error.cause !== 'object' || error.cause === null) return false;
  return 'code' in error.cause && typeof error.cause.code === 'string' && transient.has(error.cause.code);
}
