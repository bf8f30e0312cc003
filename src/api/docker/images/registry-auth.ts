import type { IncomingMessage } from 'node:http';
import { EngineError } from '#/base/errors.ts';
import type { Credentials } from '#/core/registry/contract.ts';
import { Fields } from '#/api/docker/json-fields.ts';

/** Reads `X-Registry-Auth`: base64url JSON, padded or not. Undefined when it is absent or says nothing. */
export function registryAuth({ headers }: Pick<IncomingMessage, 'headers'>): Credentials | undefined {
  const header = headers['x-registry-auth'];
  if (header === undefined || header === '') return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(String(header), 'base64url').toString('utf8'));
  } catch (cause) {
    throw new EngineError('invalid-argument', 'Cannot read X-Registry-Auth: it is not base64url JSON', { cause });
  }
  const fields = new Fields(parsed, 'X-Registry-Auth');
  const credentials = {
    username: fields.text('username'),
    password: fields.text('password'),
    identityToken: fields.text('identitytoken'),
    registryToken: fields.text('registrytoken'),
  };
  const given = Object.entries(credentials).filter(([, value]) => value !== '');
  return given.length === 0 ? undefined : Object.fromEntries(given);
}
