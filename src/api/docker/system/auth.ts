import { EngineError } from '#/base/errors.ts';
import { parseReference } from '#/oci/reference.ts';
import type { Handler } from '#/api/docker/call.ts';
import { Fields } from '#/api/docker/json-fields.ts';
import { readJson } from '#/api/docker/read-json.ts';

/** `https://index.docker.io/v1/`, `registry.example`, `localhost:5000/` → a registry host. */
function hostOf(address: string): string {
  const bare = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  if (bare === '' || bare === 'index.docker.io' || bare === 'registry-1.docker.io') return 'docker.io';
  return parseReference(`${bare}/x`).domain;
}

/** Checks credentials against a registry; nothing is stored here. */
export const auth: Handler = async (call) => {
  const fields = new Fields(await readJson(call), 'AuthConfig');
  const username = fields.text('username');
  const password = fields.text('password');
  const identityToken = fields.text('identitytoken');
  if (username === '' && identityToken === '')
    throw new EngineError('invalid-argument', 'Cannot log in: no user name was given');
  await call.facts.checkLogin(
    hostOf(fields.text('serveraddress')),
    { username, password, ...(identityToken === '' ? {} : { identityToken }) },
    call.signal,
  );
  call.answer.send(200, { Status: 'Login Succeeded', IdentityToken: '' });
};
