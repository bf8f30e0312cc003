import { makeHelloArchive } from '../../support/hello-image.ts';
import type { Vm } from './start-vm.ts';

/** An OCI runtime under a shim, by the name by which `berth run --runtime` chooses it. */
export interface GuestRuntime {
  readonly name: string;
  readonly shim: string;
  readonly program: string;
  readonly systemdCgroup?: boolean;
}

/** A configuration that names these runtimes. */
export const configFor = (runtimes: readonly GuestRuntime[]): string => {
  const sections = runtimes.map(({ name, shim, program, systemdCgroup = false }) => {
    const section = `plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}`;
    return `[${section}]\nruntime_type = "${shim}"\n[${section}.options]\nBinaryName = "${program}"\nSystemdCgroup = ${systemdCgroup}\n`;
  });
  return `version = 3\n${sections.join('')}`;
};

/** Puts the berth of /opt/berth on the guest's PATH. */
export async function linkBerth(vm: Vm): Promise<void> {
  await vm.shell('ln -sf /opt/berth/bin/berth /opt/berth/bin/berthd /usr/local/bin/');
}

/** Gives the running berthd the image "hello". */
export async function loadHello(vm: Vm): Promise<void> {
  await vm.mustRun(['berth', 'load'], { input: await makeHelloArchive() });
}

/** Starts berthd in the background; `berth` and its socket are where they always are. */
export async function startGuestBerthd(vm: Vm, runtimes: readonly GuestRuntime[]): Promise<void> {
  await linkBerth(vm);
  await vm.write('/etc/berth/config.toml', configFor(runtimes));
  await vm.shell(`
    berthd --log-level debug >/var/log/berthd.log 2>&1 </dev/null &
    until [ -S /run/berth/docker.sock ]; do kill -0 $! || { cat /var/log/berthd.log >&2; exit 1; }; sleep 0.1; done`);
  await loadHello(vm);
}
