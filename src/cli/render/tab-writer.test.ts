import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTabbed, tabShapes } from '#/cli/render/tab-writer.ts';

test('formatTabbed() pads each column to its widest cell, and not the last cell of a row', () => {
  const rows = [
    ['NAME', 'LABELS', ''],
    ['a-longer-name', 'x=1', ''],
    ['ü', '', ''],
  ];
  assert.equal(
    formatTabbed(rows, tabShapes.narrow),
    'NAME          LABELS \na-longer-name x=1    \nü                    \n',
  );
});

test('formatTabbed() with tabs rounds columns up to eights', () => {
  const rows = [
    ['DIGEST', 'SIZE'],
    ['sha256:0123456789', '1B'],
  ];
  assert.equal(formatTabbed(rows, tabShapes.tabs), 'DIGEST\t\t\tSIZE\nsha256:0123456789\t1B\n');
});

test('formatTabbed() begins a column anew after a row that has no cell in it', () => {
  const rows = [['a-long-cell', 'x'], ['alone'], ['b', 'y']];
  assert.equal(formatTabbed(rows, tabShapes.narrow), 'a-long-cell x\nalone\nb y\n');
});
