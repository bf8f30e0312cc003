import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGrpcMetrics } from '#/api/metrics/grpc-metrics.ts';
import { parseAddress } from '#/api/metrics/open-metrics-server.ts';
import { formatMetrics } from '#/api/metrics/prometheus-text.ts';

test('formatMetrics() escapes what labels and help cannot carry, and leaves out what has no sample', () => {
  const text = formatMetrics([
    {
      name: 'a',
      help: 'one\ntwo\\',
      type: 'gauge',
      samples: [{ value: 2n ** 64n - 1n, labels: { x: 'q"\\\n', y: '1' } }],
    },
    { name: 'none', help: '', type: 'counter', samples: [] },
    { name: 'b', help: 'b', type: 'counter', samples: [{ value: 0.5 }, { value: Infinity, suffix: '_sum' }] },
  ]);
  assert.equal(
    text,
    '# HELP a one\\ntwo\\\\\n# TYPE a gauge\na{x="q\\"\\\\\\n",y="1"} 18446744073709551615\n' +
      '# HELP b b\n# TYPE b counter\nb 0.5\nb_sum +Inf\n',
  );
});

test('GrpcMetrics count calls by status, and times in cumulative buckets', () => {
  const metrics = createGrpcMetrics({ histogram: true });
  const call = { method: 'a.B/C', kind: 'unary', code: 0, milliseconds: 20 } as const;
  metrics.note(call);
  metrics.note({ ...call, code: 5, milliseconds: 2000 });
  metrics.note({ ...call, method: '', code: 12 });
  const text = formatMetrics(metrics.read());
  const labels = 'grpc_type="unary",grpc_service="a.B",grpc_method="C"';
  assert(text.includes(`grpc_server_handled_total{${labels},grpc_code="OK"} 1\n`));
  assert(text.includes(`grpc_server_handled_total{${labels},grpc_code="NotFound"} 1\n`));
  assert(text.includes('grpc_service="unknown",grpc_method="unknown",grpc_code="Unimplemented"} 1\n'));
  assert(text.includes(`grpc_server_handling_seconds_bucket{${labels},le="0.01"} 0\n`));
  assert(text.includes(`grpc_server_handling_seconds_bucket{${labels},le="1"} 1\n`));
  assert(text.includes(`grpc_server_handling_seconds_bucket{${labels},le="+Inf"} 2\n`));
  assert(text.includes(`grpc_server_handling_seconds_sum{${labels}} 2.02\n`));
});

test('parseAddress() takes HOST:PORT, [IPV6]:PORT and :PORT, and nothing else', () => {
  assert.deepEqual(parseAddress('127.0.0.1:1338'), { host: '127.0.0.1', port: 1338 });
  assert.deepEqual(parseAddress('[::1]:1'), { host: '::1', port: 1 });
  assert.deepEqual(parseAddress(':80'), { host: '', port: 80 });
  for (const wrong of ['1338', 'a:b', ':65536', '::1:80', 'a:'])
    assert.throws(() => parseAddress(wrong), { kind: 'invalid-argument' }, wrong);
});
