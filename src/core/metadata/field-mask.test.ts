import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyLabels, parseFieldMask } from '#/core/metadata/field-mask.ts';

const allowed = { fields: ['image', 'spec'], maps: ['labels', 'extensions'] };
const stored = { a: '1', b: '2', 'c.d/e': '3' };

test('parseFieldMask() without paths replaces all that can be changed', () => {
  const mask = parseFieldMask([], allowed);
  assert(mask.replaces('image') && mask.replaces('spec'));
  assert.deepEqual(applyLabels(mask, stored, { x: '9' }), { x: '9' });
  assert.deepEqual(mask.apply('extensions', { a: 1 }, { b: 2 }), { b: 2 });
});

test('parseFieldMask() changes only what its paths name', () => {
  const mask = parseFieldMask(['image', 'labels.a', 'labels.new'], allowed);
  assert(mask.replaces('image') && !mask.replaces('spec') && !mask.replaces('labels'));
  assert.deepEqual(applyLabels(mask, stored, { a: '7', new: '8', b: '9' }), { ...stored, a: '7', new: '8' });
  assert.deepEqual(mask.apply('extensions', { a: 1 }, { b: 2 }), { a: 1 });
});

test('parseFieldMask() takes all after the first dot as the key', () => {
  const mask = parseFieldMask(['labels.c.d/e'], allowed);
  assert.deepEqual(applyLabels(mask, stored, { 'c.d/e': '4' }), { ...stored, 'c.d/e': '4' });
});

test('parseFieldMask() lets the whole map win over one of its keys', () => {
  const mask = parseFieldMask(['labels.a', 'labels'], allowed);
  assert.deepEqual(applyLabels(mask, stored, { b: '5' }), { b: '5' });
});

test('applyLabels() deletes a label that is given empty, or named and not given', () => {
  const mask = parseFieldMask(['labels.a', 'labels.b'], allowed);
  assert.deepEqual(applyLabels(mask, stored, { a: '' }), { 'c.d/e': '3' });
  assert.deepEqual(applyLabels(parseFieldMask([], allowed), stored, { a: '', z: '1' }), { z: '1' });
});

test('parseFieldMask() refuses a field that cannot be changed', () => {
  for (const path of ['id', 'image.x', 'labels.', 'label', '', '.', 'created_at', '__proto__'])
    assert.throws(() => parseFieldMask([path], allowed), { kind: 'invalid-argument' }, `"${path}" must be refused`);
});
