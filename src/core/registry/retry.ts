import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from '#/core/registry/network-error.ts';
import type { HttpResponse } from '#/core/registry/connections.ts';

export interface RetryPolicy {
  /** How often a request is sent at most. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled for each further one. */
  readonly firstDelay: number;
  /** Longest pause, also where a server asks for a longer one. */
  readonly longestDelay: number;
}

export interface Retrying extends RetryPolicy {
  /** Default: whatever may pass. */
  readonly retry?: 'always' | 'answers' | 'never' | undefined;
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 4, firstDelay: 250, longestDelay: 20_000 };

const passing: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** Sends again while the failure may pass: a broken connection, 429, 5xx. The last answer or error is the result. */
export async function withRetries(
  { attempts, firstDelay, longestDelay, retry = 'always' }: Retrying,
  signal: AbortSignal | undefined,
  send: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt += 1) {
    const backOff = Math.min(longestDelay, firstDelay * 2 ** (attempt - 1) * (0.75 + Math.random() / 2));
    let pause = backOff;
    try {
      const response = await send();
      if (retry === 'never' || attempt >= attempts || !passing.has(response.status)) return response;
      pause = Math.min(longestDelay, Math.max(backOff, askedPause(response.header('retry-after'))));
      await response[Symbol.asyncDispose]();
    } catch (error) {
      if (retry !== 'always' || attempt >= attempts || !isTransient(error)) throw error;
    }
    await sleep(pause, undefined, signal === undefined ? {} : { signal });
  }
}

/** Retry-After in milliseconds: seconds, or a date. */
function askedPause(header: string | undefined): number {
  if (header === undefined) return 0;
  const pause = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(pause) && pause > 0 ? pause : 0;
}
