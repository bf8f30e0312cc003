import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cgroupPathOf } from '#/engine/cgroup-path.ts';

test('cgroupPathOf() gives a path, or what systemd makes a scope of', () => {
  assert.equal(cgroupPathOf({ id: 'x', parent: '', systemd: false }), '/berth/x');
  assert.equal(cgroupPathOf({ id: 'x', parent: '/a/b', systemd: false }), '/a/b/x');
  assert.equal(cgroupPathOf({ id: 'x', parent: '', systemd: true }), 'system.slice:berth:x');
  assert.equal(cgroupPathOf({ id: 'x', parent: 'machine.slice', systemd: true }), 'machine.slice:berth:x');
});

test('cgroupPathOf() refuses a slice without systemd, and a path with it', () => {
  assert.throws(() => cgroupPathOf({ id: 'x', parent: 'machine.slice', systemd: false }), /wants an absolute path/);
  assert.throws(() => cgroupPathOf({ id: 'x', parent: '/a', systemd: true }), /wants a slice/);
});
