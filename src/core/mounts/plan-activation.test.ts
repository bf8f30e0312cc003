import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivateOptions } from '#/core/mounts/contract.ts';
import { planActivation } from '#/core/mounts/plan-activation.ts';

const plan = (types: readonly string[], options?: ActivateOptions): unknown => {
  const found = planActivation(
    types.map((type) => ({ type, source: 's', options: [] })),
    options,
  );
  if (found === undefined) return undefined;
  const { own, rest } = found;
  return [own, rest].map((part) => part.map(({ mount, transforms }) => [...transforms, mount.type].join('/')));
};

test('planActivation() leaves alone what the kernel can do', () => {
  assert.equal(plan(['overlay']), undefined);
  assert.equal(plan(['bind', 'ext4']), undefined);
  assert.equal(plan([]), undefined);
  assert.equal(plan(['unknown/overlay']), undefined);
});

test('planActivation() mounts all up to the last handled one, and before one that must be transformed', () => {
  assert.deepEqual(plan(['loop', 'ext4']), [['loop'], ['ext4']]);
  assert.deepEqual(plan(['bind', 'erofs', 'overlay']), [['bind', 'erofs'], ['overlay']]);
  assert.deepEqual(plan(['erofs', 'format/mkdir/overlay']), [['erofs'], ['format/mkdir/overlay']]);
  assert.deepEqual(plan(['format/overlay']), [[], ['format/overlay']]);
  assert.deepEqual(plan(['mkfs/loop', 'format/ext4', 'bind']), [['mkfs/loop'], ['format/ext4', 'bind']]);
});

test('planActivation() leaves allowed types to the caller, and mounts everything for a temporary one', () => {
  assert.equal(plan(['erofs', 'overlay'], { allow: ['erofs'] }), undefined);
  assert.equal(plan(['format/overlay'], { allow: ['format/*'] }), undefined);
  assert.equal(plan(['mkdir/overlay'], { allow: ['mkdir/overlay'] }), undefined);
  assert.deepEqual(plan(['mkdir/format/overlay'], { allow: ['format/*'] }), [[], ['mkdir/format/overlay']]);
  assert.deepEqual(plan(['bind', 'overlay'], { temporary: true }), [['bind', 'overlay'], []]);
});
