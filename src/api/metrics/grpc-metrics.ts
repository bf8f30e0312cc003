import type { Metric, Sample } from '#/api/metrics/prometheus-text.ts';
import type { HandledCall } from '#/rpc/grpc-call.ts';

/** Counts gRPC calls under the names that Go's servers use. */
export interface GrpcMetrics {
  note(call: HandledCall): void;
  read(): readonly Metric[];
}

const kinds: Readonly<Record<HandledCall['kind'], string>> = {
  unary: 'unary',
  client_streaming: 'client_stream',
  server_streaming: 'server_stream',
  bidi_streaming: 'bidi_stream',
};

const codes = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

/** Seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Histogram {
  readonly labels: Readonly<Record<string, string>>;
  readonly counts: number[];
  sum: number;
  count: number;
}

/** Calls of methods that there are not count as one, so that a stranger cannot make the table grow. */
export function createGrpcMetrics({ histogram }: { readonly histogram: boolean }): GrpcMetrics {
  const handled = new Map<string, { value: number; readonly labels: Readonly<Record<string, string>> }>();
  const times = new Map<string, Histogram>();
  return {
    note({ method, kind, code, milliseconds }) {
      const [service = '', name = ''] = method === '' ? ['unknown', 'unknown'] : method.split('/');
      const labels = { grpc_type: kinds[kind], grpc_service: service, grpc_method: name };
      const key = `${method} ${code}`;
      const counter = handled.get(key) ?? { value: 0, labels: { ...labels, grpc_code: codes[code] ?? String(code) } };
      counter.value += 1;
      handled.set(key, counter);
      if (!histogram) return;
      const time = times.get(method) ?? { labels, counts: buckets.map(() => 0), sum: 0, count: 0 };
      observe(time, milliseconds / 1000);
      times.set(method, time);
    },
    read: () => [
      {
        name: 'grpc_server_handled_total',
        help: 'gRPC calls that have ended, by status',
        type: 'counter',
        samples: [...handled.values()],
      },
      {
        name: 'grpc_server_handling_seconds',
        help: 'How long gRPC calls took',
        type: 'histogram',
        samples: [...times.values()].flatMap(histogramSamples),
      },
    ],
  };
}

function observe(histogram: Histogram, seconds: number): void {
  histogram.sum += seconds;
  histogram.count += 1;
  for (const [index, limit] of buckets.entries())
    if (seconds <= limit) histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
}

function histogramSamples({ labels, counts, sum, count }: Histogram): Sample[] {
  return [
    ...buckets.map((limit, index) => ({
      suffix: '_bucket',
      labels: { ...labels, le: String(limit) },
      value: counts[index] ?? 0,
    })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ];
}
