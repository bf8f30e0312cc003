import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillTemplate } from '#/daemon/fill-template.ts';

const values = { id: 'c1', annotation: (key: string) => `<${key}>` };

test('fillTemplate() fills values, calls and trimming in', () => {
  assert.equal(fillTemplate('plain', values), 'plain');
  assert.equal(fillTemplate('a {{id}}/{{ annotation "x.y/z" }} b', values), 'a c1/<x.y/z> b');
  assert.equal(fillTemplate('a  {{- id -}}  b{{/* nothing */}}', values), 'ac1b');
  assert.equal(fillTemplate('{{annotation `raw\\`}}', values), '<raw\\>');
});

test('fillTemplate() refuses what it does not know', () => {
  for (const text of ['{{id', '{{who}}', '{{id "x"}}', '{{annotation}}', '{{if id}}x{{end}}', '{{toString}}'])
    assert.throws(() => fillTemplate(text, values), { kind: 'invalid-argument' }, text);
});
