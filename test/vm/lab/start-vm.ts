/**
 * A virtual machine of a test's own: Debian's kernel under software emulation, pure cgroup v2, a disk that is thrown
 * away, and nothing but what the test runs in it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename, dirname, posix } from 'node:path';
import type { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { mustRun, type CommandResult } from '../../support/run-command.ts';
import { openAgent, type Agent } from './agent.ts';
import { openMachine, type Machine } from './machine.ts';

const bootPatienceMs = 180_000;
const runPatienceMs = 180_000;
/** Of the console, the last is kept. */
const consoleLimit = 1024 * 1024;
const copyLimit = 256 * 1024 * 1024;
const execute = promisify(execFile);

export interface VmOptions {
  /** PID 1: "agent" is up in 3 s and runs nothing else; with "systemd" the machine has booted when startVm() is done. */
  readonly init?: 'agent' | 'systemd';
  /** In MiB. */
  readonly memory?: number;
  readonly processors?: number;
  /** Images that the guest gets as /dev/vm/NAME. */
  readonly disks?: Readonly<Record<string, Disk>>;
  /** Files that are there from the start, by their path in the guest. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** For the kernel's command line. */
  readonly kernelOptions?: string;
}

export interface Disk {
  readonly path: string;
  /** What is written to a writable one stays in the image, also when the power is cut; others are read-only. */
  readonly writable?: boolean;
  /** Where it is mounted once the guest is up. */
  readonly at?: string;
}

export interface GuestRunOptions {
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface Vm extends AsyncDisposable {
  /** Runs a program as root, to its end; 128 + the signal where one ended it. Many may run at once. */
  run(words: readonly string[], options?: GuestRunOptions): Promise<CommandResult>;
  /** As run(); throws with everything that was said when it fails. */
  mustRun(words: readonly string[], options?: GuestRunOptions): Promise<string>;
  /** A script for `bash -euo pipefail`; throws as mustRun() does. What it leaves in the background goes on. */
  shell(script: string, options?: GuestRunOptions): Promise<string>;
  read(path: string): Promise<string>;
  /** Makes the directories too. A text that begins with "#!" becomes executable. */
  write(path: string, data: string | Uint8Array): Promise<void>;
  /** A file or directory of the host, with modes and owners, under its name into a directory of the guest. */
  copyIn(hostPath: string, guestDirectory: string): Promise<void>;
  copyOut(guestPath: string, hostDirectory: string): Promise<void>;
  /** Of the virtual machine's process on the host. */
  readonly pid: number;
  /** What the kernel and PID 1 wrote. */
  console(): string;
  /** Ends the guest between two instructions. Whatever its kernel had not yet written to its disks is lost. */
  cutPower(): Promise<void>;
}

export async function startVm(options: VmOptions = {}): Promise<Vm> {
  const machine = await openMachine();
  // It ends with the process of the test, however that ends.
  const words = ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...wordsFor(machine, options)];
  const child = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const screen = keepConsole(child);
  const agent = openAgent(child.stdio[3] as Duplex);
  const failed = (what: string): Error => new Error(`${what}; its console:\n${screen().slice(-8192)}`);
  child.on('exit', (code) => agent.fail(failed(`The virtual machine has ended (${code})`)));
  child.on('error', (error) => agent.fail(failed(`Cannot start qemu-system-x86_64: ${error.message}`)));
  const vm = vmOver({ child, agent, screen, failed });
  try {
    const late = setTimeout(() => agent.fail(failed('The virtual machine did not boot')), bootPatienceMs);
    await agent.ready.finally(() => clearTimeout(late));
    await prepare(vm, options);
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
  return vm;
}

/** "snapshot" keeps what is written beside the image, and forgets it. */
function wordsFor(machine: Machine, options: VmOptions): string[] {
  const disks: Readonly<Record<string, Disk>> = { root: { path: machine.root }, ...options.disks };
  const drives = Object.entries(disks).flatMap(([name, { path, writable }]) => {
    const kept = name === 'root' ? 'snapshot=on' : writable === true ? 'cache=writeback' : 'read-only=on';
    const drive = `if=none,id=${name},file=${path},format=raw,${kept}`;
    return ['-drive', drive, '-device', `virtio-blk-pci,drive=${name},serial=${name}`];
  });
  const kernel = `console=ttyS0 loglevel=4 systemd.show_status=error panic=-1 vm.init=${options.init ?? 'agent'} ${options.kernelOptions ?? ''}`;
  const lines = [
    `-machine pc -accel tcg,thread=multi -cpu max -smp ${options.processors ?? 2} -m ${options.memory ?? 512}`,
    '-nodefaults -no-user-config -display none -no-reboot',
    '-chardev stdio,id=console,signal=off -serial chardev:console',
    '-device virtio-serial-pci -chardev socket,id=agent,fd=3 -device virtserialport,chardev=agent',
  ];
  const words = lines.flatMap((line) => line.split(' '));
  return [...words, '-kernel', machine.kernel, '-initrd', machine.initramfs, '-append', kernel.trim(), ...drives];
}

function keepConsole(child: ChildProcess): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (kept = (kept + chunk.toString('latin1')).slice(-consoleLimit)));
  return () => kept;
}

async function prepare(vm: Vm, { init, disks, files }: VmOptions): Promise<void> {
  for (const [name, { at, writable }] of Object.entries(disks ?? {}))
    if (at !== undefined)
      await vm.mustRun(['mount', '-m', '-o', writable === true ? 'rw' : 'ro', `/dev/vm/${name}`, at]);
  for (const [path, data] of Object.entries(files ?? {})) await vm.write(path, data);
  if (init === 'systemd') await vm.run(['systemctl', 'is-system-running', '--wait']);
}

interface Parts {
  readonly child: ChildProcess;
  readonly agent: Agent;
  readonly screen: () => string;
  readonly failed: (what: string) => Error;
}

function vmOver({ child, agent, screen, failed }: Parts): Vm {
  const runBytes = async (words: readonly string[], options: GuestRunOptions) => {
    const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    const late = AbortSignal.timeout(options.timeoutMs ?? runPatienceMs);
    const command = {
      words,
      directory: options.directory ?? '/',
      env: options.env ?? {},
      input: Buffer.from(options.input ?? ''),
      onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void output[stream].push(chunk),
    };
    const code = await agent.run(command, late);
    const [stdout, stderr] = [Buffer.concat(output.stdout), Buffer.concat(output.stderr)];
    if (late.aborted)
      throw failed(`"${words.join(' ')}" took too long, and said\n${stdout.toString()}${stderr.toString()}`);
    return { code, stdout, stderr };
  };
  const mustRunBytes = async (words: readonly string[], options: GuestRunOptions): Promise<Buffer> => {
    const { code, stdout, stderr } = await runBytes(words, options);
    if (code === 0) return stdout;
    const said = `stdout: ${stdout.toString()}\nstderr: ${stderr.toString()}`;
    throw new Error(`"${words.join(' ')}" ended with ${code} in the guest\n${said}`);
  };
  const mustRunGuest = async (words: readonly string[], options: GuestRunOptions = {}): Promise<string> =>
    (await mustRunBytes(words, options)).toString();
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  return {
    run: async (words, options = {}) => {
      const { code, stdout, stderr } = await runBytes(words, options);
      return { code, stdout: stdout.toString(), stderr: stderr.toString() };
    },
    mustRun: mustRunGuest,
    shell: (script, options) => mustRunGuest(['bash', '-euo', 'pipefail', '-c', script], options),
    read: (path) => mustRunGuest(['cat', path]),
    write: async (path, data) => {
      const mode = typeof data === 'string' && data.startsWith('#!') ? '755' : '644';
      await mustRunGuest(['install', '-D', '-m', mode, '/dev/stdin', path], { input: data });
    },
    copyIn: async (hostPath, guestDirectory) => {
      const words = ['-c', '-C', dirname(hostPath), basename(hostPath)];
      const { stdout } = await execute('tar', words, { encoding: 'buffer', maxBuffer: copyLimit });
      await mustRunGuest(['mkdir', '-p', guestDirectory]);
      await mustRunGuest(['tar', '-x', '-C', guestDirectory], { input: stdout });
    },
    copyOut: async (guestPath, hostDirectory) => {
      const words = ['tar', '-c', '-C', posix.dirname(guestPath), posix.basename(guestPath)];
      await mustRun('tar', ['-x', '-C', hostDirectory], { input: await mustRunBytes(words, {}) });
    },
    pid: child.pid ?? 0,
    console: screen,
    cutPower: end,
    [Symbol.asyncDispose]: end,
  };
}
