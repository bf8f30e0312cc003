/**
 * Preloaded into the berthd that is measured: a short timer tells by how much it was late. A connection to the socket
 * named by BENCH_LOOP_SOCKET is a window of measuring; its end is answered with the delays of all windows so far.
 */
import { createServer, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';

const everyMs = 2;
const delays = createHistogram();

function measure(window: Socket): void {
  let due = performance.now() + everyMs;
  const timer = setInterval(() => {
    const now = performance.now();
    delays.record(Math.max(1, Math.round((now - due) * 1000)));
    due = now + everyMs;
  }, everyMs);
  window.once('close', () => clearInterval(timer));
  window.on('end', () => {
    clearInterval(timer);
    window.end(JSON.stringify({ p99: delays.percentile(99) / 1000, max: delays.max / 1000 }));
  });
  window.resume();
  window.write('measuring\n');
}

createServer({ allowHalfOpen: true }, measure).listen(process.env['BENCH_LOOP_SOCKET']).unref();
