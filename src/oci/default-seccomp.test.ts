import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSeccomp } from '#/oci/default-seccomp.ts';

const allowed = (bounding: readonly string[], name: string): boolean =>
  (defaultSeccomp('amd64', bounding).syscalls ?? []).some(
    ({ names, action, args }) => names.includes(name) && action === 'SCMP_ACT_ALLOW' && args === undefined,
  );

test('defaultSeccomp() refuses what reaches out of a container until a capability opens it', () => {
  for (const [capability, name] of [
    ['CAP_SYS_ADMIN', 'mount'],
    ['CAP_SYS_MODULE', 'init_module'],
    ['CAP_SYS_TIME', 'clock_settime'],
  ] as const) {
    assert.equal(allowed([], name), false, name);
    assert.equal(allowed([capability], name), true, name);
  }
  assert.equal(allowed([], 'openat'), true);
});

test('defaultSeccomp() lets clone make no namespaces, and makes clone3 look absent, unless the container is an admin', () => {
  const clone3 = (bounding: readonly string[]): unknown =>
    defaultSeccomp('arm64', bounding).syscalls?.filter(({ names }) => names.includes('clone3'));
  assert.deepEqual(clone3([]), [{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }]);
  assert.equal(allowed([], 'clone'), false);
  assert.equal(allowed(['CAP_SYS_ADMIN'], 'clone'), true);
});
