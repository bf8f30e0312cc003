import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { version } from '#/cli/version-number.ts';

test('version is the one of package.json', async () => {
  const description: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  assert(typeof description === 'object' && description !== null && 'version' in description);
  assert.equal(version, description.version);
});
