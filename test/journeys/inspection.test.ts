/** Metrics, the debug socket and the dump: what a running berthd tells of itself. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startJourney } from '../support/journey.ts';
import { mustRun, runCommand } from '../support/run-command.ts';
import { untilTrue } from '../support/until.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("metrics have containerd's names; the debug socket profiles and tells what is open", async () => {
  await using places = await mkdtempDisposable(join(tmpdir(), 'inspect-'));
  const [config, socket, port] = [join(places.path, 'c.toml'), join(places.path, 'debug.sock'), await freePort()];
  await writeFile(
    config,
    `version = 2\n[debug]\naddress = "${socket}"\n[metrics]\naddress = "127.0.0.1:${port}"\ngrpc_histogram = true\n`,
  );
  // Version 2 of the schema puts the gRPC socket nowhere: --state does.
  await using journey = await startJourney(['-c', config]);
  const id = await journey.start('hello', ['sleep', '1000'], { name: 'measured' });
  await mustRun('ctr', ['--address', journey.daemon.address, 'version']);

  const metrics = await mustRun('curl', ['-sS', `http://127.0.0.1:${port}/v1/metrics`]);
  for (const line of [
    /^grpc_server_handled_total\{grpc_type="unary",grpc_service="containerd\.services\.version\.v1\.Version",grpc_method="Version",grpc_code="OK"\} [1-9]/m,
    /^grpc_server_handling_seconds_bucket\{.*Version.*le="\+Inf"\} [1-9]/m,
    /^process_resident_memory_bytes \d{7,}$/m,
    /^containerd_build_info_total\{version="v\d[^"]*",revision="[^"]+"\} 1$/m,
    /^nodejs_eventloop_lag_p99_seconds \d/m,
    new RegExp(`^container_pids_current\\{container_id="${id}",namespace="default"\\} [1-9]`, 'm'),
    new RegExp(`^container_memory_(usage_)?usage_bytes\\{container_id="${id}",namespace="default"\\} \\d{4,}`, 'm'),
  ])
    assert.match(metrics, line);

  const debug = (path: string): Promise<string> =>
    mustRun('curl', ['-sS', '--max-time', '30', '--unix-socket', socket, `http://d${path}`]);
  const wait = runCommand('ctr', ['--address', journey.daemon.address, 'events'], { timeoutMs: 8000 });
  await untilTrue('the events call is open', async () =>
    (await debug('/debug/pprof/goroutine?debug=2')).includes('containerd.services.events.v1.Events/Subscribe'),
  );
  assert.match(await debug('/debug/pprof/goroutine?debug=2'), new RegExp(`tasks: 1\n {2}default/${id}`));
  const vars = JSON.parse(await debug('/debug/vars')) as { memory: { rss: number }; tasks: number };
  assert.equal(vars.tasks, 1);
  const cpu = JSON.parse(await debug('/debug/pprof/profile?seconds=0.2')) as { nodes: unknown[]; samples: unknown[] };
  assert(cpu.nodes.length > 0 && cpu.samples.length > 0);
  const heap = JSON.parse(await debug('/debug/pprof/heap?seconds=0.2')) as { head: unknown };
  assert(heap.head !== undefined);
  assert.match(await debug('/debug/pprof/block'), /about Go's runtime/);
  assert.match(await debug('/debug/pprof/profile?seconds=x'), /Cannot profile for "x" seconds/);
  const asked = await mustRun('ctr', ['--address', journey.daemon.address, 'pprof', '-d', socket, 'goroutines']);
  assert.match(asked, /open gRPC calls/);

  process.kill(journey.daemon.pid, 'SIGUSR1');
  await untilTrue('the dump is in the log', async () => /msg="dump" line="tasks: 1"/.test(await journey.daemon.log()));
  assert.doesNotMatch(await journey.daemon.log(), /Debugger listening/);
  await wait;
});

test('a metrics address that is taken stops the start and says so', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await using places = await mkdtempDisposable(join(tmpdir(), 'inspect-'));
    const config = join(places.path, 'c.toml');
    const { port } = server.address() as AddressInfo;
    await writeFile(config, `version = 3\n[metrics]\naddress = "127.0.0.1:${port}"\n`);
    await assert.rejects(startJourney(['-c', config]), /Cannot serve metrics on "127\.0\.0\.1:\d+": .*EADDRINUSE/s);
  } finally {
    server.close();
  }
});
