import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPlatform, hostPlatform, normalizePlatform, parsePlatform, rankPlatform } from '#/oci/platform.ts';

const shown = (text: string): string => formatPlatform(parsePlatform(text));
const rank = (wanted: string, offered: string): number | undefined =>
  rankPlatform(parsePlatform(wanted), parsePlatform(offered));

test('parsePlatform() reads os/arch/variant, and either alone', () => {
  assert.equal(shown('linux/amd64'), 'linux/amd64');
  assert.equal(shown('linux/x86_64'), 'linux/amd64');
  assert.equal(shown('Linux/AArch64'), 'linux/arm64');
  assert.equal(shown('linux/arm64/v8'), 'linux/arm64');
  assert.equal(shown('linux/arm'), 'linux/arm/v7');
  assert.equal(shown('linux/armhf'), 'linux/arm/v7');
  assert.equal(shown('linux/armel'), 'linux/arm/v6');
  assert.equal(shown('linux/arm/6'), 'linux/arm/v6');
  assert.equal(shown('arm64'), 'linux/arm64');
  assert.equal(shown('i386'), 'linux/386');
  assert.equal(shown('linux'), formatPlatform({ ...hostPlatform(), os: 'linux' }));
  assert.equal(parsePlatform('windows').os, 'windows');
  assert.equal(shown('windows/amd64'), 'windows/amd64');
});

test('parsePlatform() refuses other texts', () => {
  for (const text of ['', '/', 'linux/', 'linux//v7', 'a/b/c/d', 'linux/amd 64', 'linux/../x\n'])
    assert.throws(() => parsePlatform(text), { kind: 'invalid-argument' }, text);
});

test('normalizePlatform() drops the variants that say nothing', () => {
  assert.deepEqual(normalizePlatform({ os: 'linux', architecture: 'amd64', variant: 'v1' }), {
    os: 'linux',
    architecture: 'amd64',
  });
  assert.deepEqual(normalizePlatform({ os: 'linux', architecture: 'amd64', variant: '' }), {
    os: 'linux',
    architecture: 'amd64',
  });
});

test('rankPlatform() prefers the same variant, then the nearest lower one', () => {
  assert.equal(rank('linux/amd64', 'linux/amd64'), 0);
  assert.equal(rank('linux/amd64', 'linux/arm64'), undefined);
  assert.equal(rank('linux/amd64', 'windows/amd64'), undefined);
  assert.equal(rank('linux/arm/v7', 'linux/arm/v7'), 0);
  assert.equal(rank('linux/arm/v7', 'linux/arm/v6'), 1);
  assert.equal(rank('linux/arm/v7', 'linux/arm/v5'), 2);
  assert.equal(rank('linux/arm/v6', 'linux/arm/v7'), undefined);
  assert.equal(rank('linux/amd64/v3', 'linux/amd64'), 2);
  assert.equal(rank('linux/amd64/v3', 'linux/amd64/v2'), 1);
  assert.equal(rank('linux/amd64', 'linux/amd64/v3'), undefined);
  assert.equal(rank('linux/arm64', 'linux/arm64/v9'), undefined);
  assert.equal(rank('linux/arm64/v9', 'linux/arm64'), 1);
});
