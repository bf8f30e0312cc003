/** A real containerd of a test's own, beside which berthd is held: fresh directories, everything gone at the end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { removeEverything } from './berthd.ts';
import { runCommand } from './run-command.ts';

const patience = 30_000;

export interface ContainerdOptions {
  /** The program; Debian's, if none is named. */
  readonly program?: string;
  /** Where it finds its shims first. */
  readonly path?: string;
}

export interface Containerd extends AsyncDisposable {
  readonly directory: string;
  readonly address: string;
  readonly debugAddress: string;
  /** `kill -9`, and until it is gone. */
  crash(): Promise<void>;
  /** Starts it again after a crash, on the same directories. */
  start(): Promise<void>;
}

/** What is not compared, or would listen on addresses that the machine has once. */
const disabled = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.nri.v1.nri',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
];

export async function startContainerd({ program = 'containerd', path }: ContainerdOptions = {}): Promise<Containerd> {
  const directory = await mkdtemp(join(tmpdir(), 'ct-'));
  const state = join(directory, 'run');
  const address = join(state, 'containerd.sock');
  const debugAddress = join(state, 'debug.sock');
  await mkdir(state);
  await chmod(directory, 0o711);
  const config = join(directory, 'config.toml');
  await writeFile(
    config,
    `version = 2
root = "${directory}/root"
state = "${state}"
disabled_plugins = ${JSON.stringify(disabled)}
[grpc]
address = "${address}"
[debug]
address = "${debugAddress}"
level = "info"
[plugins."io.containerd.internal.v1.opt"]
path = "${directory}/opt"
`,
  );
  let child: ChildProcess | undefined;
  const crash = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, 'exit');
    ending.kill('SIGKILL');
    await exited;
  };
  const end = async (): Promise<void> => {
    await crash();
    await removeEverything(directory);
  };
  const answers = async (): Promise<boolean> => (await runCommand('ctr', ['--address', address, 'version'])).code === 0;
  const start = async (): Promise<void> => {
    const log = await open(join(directory, 'log'), 'a');
    const env = { ...process.env, ...(path === undefined ? {} : { PATH: path }) };
    const started = spawn(program, ['--config', config], { stdio: ['ignore', log.fd, log.fd], env });
    child = started;
    await log.close();
    for (const deadline = performance.now() + patience; !(await answers()); await delay(50)) {
      if (performance.now() < deadline && started.exitCode === null) continue;
      const said = await readFile(join(directory, 'log'), 'utf8');
      await end();
      throw new Error(`${program} does not answer on ${address}; its log:\n${said}`);
    }
  };
  await start();
  return { directory, address, debugAddress, crash, start, [Symbol.asyncDispose]: end };
}
