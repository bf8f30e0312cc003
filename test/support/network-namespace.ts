/** A network of a test's own: bridges, addresses and packet filters made in it are gone when it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { runCommand } from './run-command.ts';
import { untilTrue } from './until.ts';

export interface NetworkNamespace extends AsyncDisposable {
  /** Words before a command, so that it runs inside. */
  readonly launcher: readonly string[];
}

/** CNI's plugins keep addresses in use and results of theirs here, whatever their configuration says. */
const prepare = `mkdir -p /var/lib/cni && mount -t tmpfs none /var/lib/cni
ip link set lo up && sysctl -qw net.ipv4.ip_forward=1
exec sleep infinity`;

export async function openNetworkNamespace(): Promise<NetworkNamespace> {
  const child = spawn('unshare', ['--net', '--mount', '--propagation', 'slave', 'sh', '-ec', prepare], {
    stdio: 'ignore',
  });
  const launcher = ['nsenter', `--target=${child.pid}`, '--net', '--mount', '--wd=.', '--'];
  const close = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const isUp = async (): Promise<boolean> => {
    const [file, ...words] = [...launcher, 'cat', '/proc/sys/net/ipv4/ip_forward', '/proc/1/comm'];
    const own = await runCommand('readlink', [`/proc/${child.pid}/ns/net`]);
    const ours = await runCommand('readlink', ['/proc/self/ns/net']);
    return own.stdout !== ours.stdout && (await runCommand(file, words)).stdout.startsWith('1\n');
  };
  try {
    await untilTrue('a network namespace', isUp);
  } catch (error) {
    await close();
    throw error;
  }
  return { launcher, [Symbol.asyncDispose]: close };
}
