import { EngineError } from '#/base/errors.ts';
import type { RpcStatus } from '#/rpc/status.ts';

/**
 * The first value of a header in HTTP/2's own order. Go's clients put the innermost namespace in front of the outer
 * ones and send both, so the first is the one that counts.
 */
export function firstHeader(rawHeaders: readonly string[], key: string): string | undefined {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) if (rawHeaders[at] === key) return rawHeaders[at + 1];
  return undefined;
}

const unitMilliseconds: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Reads `grpc-timeout`: up to eight digits and a unit. */
export function parseGrpcTimeout(text: string): number {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  const unit = unitMilliseconds[match?.[2] ?? ''];
  if (match === null || unit === undefined)
    throw new EngineError('internal', `Cannot read ${JSON.stringify(text.slice(0, 50))} as a gRPC timeout`);
  return Number(match[1]) * unit;
}

export function formatGrpcTimeout(milliseconds: number): string {
  const whole = Math.max(1, Math.ceil(milliseconds));
  return whole < 1e8 ? `${whole}m` : `${Math.min(Math.ceil(whole / 1000), 99_999_999)}S`;
}

const longestMessage = 4096;

/** `grpc-message`: printable ASCII stays, the rest of the UTF-8 bytes and `%` are percent-encoded. */
export function encodeStatusText(text: string): string {
  const cut = text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text;
  return cut
    .toWellFormed()
    .replace(/[^\u0020-\u0024\u0026-\u007e]+/g, (part) =>
      [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
    );
}

/** The opposite; a malformed escape is left as it is. */
export function decodeStatusText(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (part) => Buffer.from(part.replaceAll('%', ''), 'hex').toString('utf8'));
}

export function statusHeaders({ code, message }: RpcStatus): Record<string, string> {
  return message === ''
    ? { 'grpc-status': String(code) }
    : { 'grpc-status': String(code), 'grpc-message': encodeStatusText(message) };
}
