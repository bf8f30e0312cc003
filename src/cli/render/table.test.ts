import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatList, type ListFormat } from '#/cli/render/list-format.ts';
import { formatTable } from '#/cli/render/table.ts';
import { cutToWidth, ellipsis, textWidth, visible } from '#/cli/render/text-width.ts';

test('formatTable() aligns columns with a gap of three, ten cells at least, and no padding at the end', () => {
  assert.equal(
    formatTable([
      ['A', 'LONG HEADER', 'C'],
      ['wide value', 'b', 'c'],
    ]),
    'A            LONG HEADER   C\nwide value   b             c\n',
  );
  assert.equal(formatTable([['A', 'B']]), 'A         B\n');
  assert.equal(formatTable([]), '');
});

test('formatTable() counts cells, not characters', () => {
  assert.equal(
    formatTable([
      ['日本語日本', 'x'],
      ['abcdefghij', 'y'],
    ]),
    '日本語日本   x\nabcdefghij   y\n',
  );
});

test('textWidth() and cutToWidth() know wide and combining characters', () => {
  assert.equal(textWidth('a\u0301日🚢'), 5);
  assert.equal(cutToWidth('日本語', 5), '日本');
  assert.equal(cutToWidth('abc', 3), 'abc');
});

test('ellipsis() keeps so many characters, the last one a sign that something is missing', () => {
  assert.equal(ellipsis('abcdef', 4), 'abc…');
  assert.equal(ellipsis('abcd', 4), 'abcd');
});

test('visible() shows control characters instead of sending them', () => {
  assert.equal(visible('a\u001B[2Jb\tc\nd\u0007\u009b'), 'a\\x1b[2Jb\tc\nd\\x07\\x9b');
});

const rows = [
  { ID: '1', Names: 'web', Label: (name: string) => `<${name}>` },
  { ID: '22', Names: 'data\u001Bbase', Label: () => '' },
];
const list: Omit<ListFormat, 'format'> = { columns: ['ID', 'Names'], headers: { ID: 'CONTAINER ID', Names: 'NAMES' } };

test('formatList() prints tables, ids, JSON lines and templates', () => {
  assert.equal(
    formatList(rows, { ...list, format: undefined }),
    'CONTAINER ID   NAMES\n1              web\n22             data\\x1bbase\n',
  );
  assert.equal(formatList(rows, { ...list, format: 'table', quiet: true }), '1\n22\n');
  assert.equal(formatList(rows.slice(0, 1), { ...list, format: 'json' }), '{"ID":"1","Names":"web"}\n');
  assert.equal(formatList(rows.slice(0, 1), { ...list, format: '{{json .}}' }), '{"ID":"1","Names":"web"}\n');
  assert.equal(formatList(rows.slice(0, 1), { ...list, format: '{{.ID}}\\t{{.Label "a"}}' }), '1\t<a>\n');
});

test('formatList() gives "table TEMPLATE" its headers, methods by their last part', () => {
  assert.equal(
    formatList(rows.slice(0, 1), { ...list, format: 'table {{.Names}}\\t{{.Label "com.x.role"}}' }),
    'NAMES     role\nweb       <com.x.role>\n',
  );
});

test('formatList() refuses fields that no row has, even when there are none', () => {
  assert.throws(() => formatList(rows, { ...list, format: '{{.Nmaes}}' }), /did you mean "\.Names"/);
  assert.throws(() => formatList([], { ...list, format: 'table {{.Nmaes}}' }), /did you mean "\.Names"/);
});
