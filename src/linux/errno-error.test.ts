import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { errnoOf } from '#/base/errors.ts';
import { checkCall, errnoError } from '#/linux/errno-error.ts';

test('errnoError() has the shape of the errors of node:fs', () => {
  const ours = errnoError(-2, 'stat', { path: '/no/such' });
  assert.throws(() => statSync('/no/such'), { ...ours, message: ours.message });
  assert.equal(errnoOf(ours), 'ENOENT');
});

test('errnoError() names errors that only some kernels know, and numbers the rest', () => {
  const codes = [-11, -16, -18, -61, -95, -117, -122, -4000].map((result) => errnoError(result, 'call').code);
  assert.deepEqual(codes, ['EAGAIN', 'EBUSY', 'EXDEV', 'ENODATA', 'ENOTSUP', 'EUCLEAN', 'EDQUOT', 'E4000']);
});

test('checkCall() gives results back and throws the rest', () => {
  assert.equal(checkCall(7, 'open'), 7);
  const bytes = Buffer.from('/ü');
  assert.throws(() => checkCall(-17, 'link', { path: bytes, dest: '/b' }), {
    message: "EEXIST: file already exists, link '/ü' -> '/b'",
    code: 'EEXIST',
    errno: -17,
    path: '/ü',
    dest: '/b',
  });
});
