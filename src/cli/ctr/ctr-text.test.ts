import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  binarySizeText,
  jsonLine,
  jsonText,
  labelsText,
  parseLabels,
  printedTime,
  timeText,
} from '#/cli/ctr/ctr-text.ts';

test('jsonText() and jsonLine() write what Go writes', () => {
  const value = { id: 'a<b>', big: 18_446_744_073_709_551_615n, none: undefined, list: [], bytes: Uint8Array.of(1, 2) };
  assert.equal(jsonLine(value), '{"id":"a\\u003cb\\u003e","big":18446744073709551615,"list":[],"bytes":"AQI="}');
  assert.equal(
    jsonText({ a: { b: [1, 'x'] } }),
    '{\n    "a": {\n        "b": [\n            1,\n            "x"\n        ]\n    }\n}',
  );
});

test('sizes, labels and times are written as ctr writes them', () => {
  assert.deepEqual([0, 1023, 1024, 2_020_864].map(binarySizeText), ['0.0 B', '1023.0 B', '1.0 KiB', '1.9 MiB']);
  assert.equal(labelsText({ b: '2', a: '1' }), 'a=1,b=2');
  assert.equal(labelsText({}, '-'), '-');
  assert.deepEqual(parseLabels(['a=1=2', 'b', 'c=']), { a: '1=2', b: 'true', c: '' });
  assert.throws(() => parseLabels(['=x']), { name: 'UsageError' });
  const moment = { $typeName: 'google.protobuf.Timestamp', seconds: 1_795_576_966n, nanos: 141_840_000 } as const;
  assert.equal(timeText(moment), '2026-11-25T03:22:46.14184Z');
  assert.equal(printedTime(moment), '2026-11-25 03:22:46.14184 +0000 UTC');
});
