import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findUser } from '#/oci/find-user.ts';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:Web:/var/www:/bin/false\n# note\nbroken\n',
  group: 'root:x:0:\nweb:x:34:\nlogs:x:50:web,root\nempty:x:51:\n',
};

test('findUser() of nothing is root with the groups that list root', () => {
  assert.deepEqual(findUser('', files), { uid: 0, gid: 0, additionalGids: [50], home: '/root' });
});

test('findUser() takes group, home and listed groups of a named user', () => {
  assert.deepEqual(findUser('web', files), { uid: 33, gid: 34, additionalGids: [50], home: '/var/www' });
});

test('findUser() with a group leaves the listed groups out', () => {
  assert.deepEqual(findUser('web:empty', files), { uid: 33, gid: 51, additionalGids: [], home: '/var/www' });
  assert.deepEqual(findUser('33:50', files), { uid: 33, gid: 50, additionalGids: [], home: '/var/www' });
});

test('findUser() takes a number that no file knows', () => {
  assert.deepEqual(findUser('1234', { passwd: '', group: '' }), { uid: 1234, gid: 0, additionalGids: [], home: '/' });
  assert.deepEqual(findUser('1234:7', files), { uid: 1234, gid: 7, additionalGids: [], home: '/' });
});

test('findUser() adds groups by name and number', () => {
  assert.deepEqual(findUser('web:web', files, ['logs', '9']).additionalGids, [50, 9]);
});

test('findUser() refuses names that are not in the image, and ids that are none', () => {
  assert.throws(() => findUser('nobody', files), { kind: 'invalid-argument', message: /unable to find user nobody/ });
  assert.throws(() => findUser('web:staff', files), {
    kind: 'invalid-argument',
    message: /unable to find group staff/,
  });
  assert.throws(() => findUser('4294967295', files), { kind: 'invalid-argument' });
});

test('findUser() passes over lines of the image whose ids are none', () => {
  const passwd = ['a:x:334294967296:1::/', 'b:x::1::/', 'c:x:-1:1::/', 'd:x:1:0x10::/', 'e:x:1:2::/'].join('\n');
  for (const name of ['a', 'b', 'c', 'd'])
    assert.throws(() => findUser(name, { passwd, group: '' }), { kind: 'invalid-argument' }, name);
  assert.equal(findUser('e', { passwd, group: '' }).uid, 1);
});
