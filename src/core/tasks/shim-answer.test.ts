import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEndpoint } from '#/core/tasks/shim-answer.ts';

test('parseEndpoint() refuses JSON that is no endpoint', () => {
  for (const text of ['null', '3', '"x"', '[]', '{}', '{"version":"2","address":"/s"}', '{'])
    assert.throws(() => parseEndpoint(text), { kind: 'internal' }, text);
});

test('parseEndpoint() reads what bootstrap.json holds', () => {
  const endpoint = { version: 3, address: 'unix:///run/s/x', protocol: 'ttrpc' };
  assert.deepEqual(parseEndpoint(JSON.stringify(endpoint)), endpoint);
});
