import { boolean, text, type FlagsFor } from '#/cli/flags.ts';
import { UsageError } from '#/cli/usage-error.ts';
import { OptionsSchema as RuncOptions } from '#/gen/containerd/runc/v1/options_pb.ts';
import { OptionsSchema as RuntimeOptions } from '#/gen/runtimeoptions/v1/options_pb.ts';
import type { TypedValue } from '#/base/any.ts';
import { runcRuntime, takesRuncOptions } from '#/oci/runtime-names.ts';
import { packMessage } from '#/rpc/any.ts';

export interface RuntimeFlags {
  readonly runtime: string | undefined;
  readonly 'runtime-config-path': string | undefined;
  readonly 'runc-binary': string | undefined;
  readonly 'runc-root': string | undefined;
  readonly 'runc-systemd-cgroup': boolean;
}

export const runtimeFlags: FlagsFor<RuntimeFlags> = {
  runtime: text('', 'NAME', `Runtime, or the path of its shim (default "${runcRuntime}")`),
  'runtime-config-path': text('', 'FILE', 'Configuration of a runtime other than runc'),
  'runc-binary': text('', 'FILE', 'Program to use in place of runc'),
  'runc-root': text('', 'DIR', 'Where runc keeps its state'),
  'runc-systemd-cgroup': boolean('', 'Let systemd make the control groups; needs --cgroup'),
};

export interface RuntimeWish {
  readonly name: string;
  readonly options: TypedValue | undefined;
}

/** The runtime and its options as the record of a container has them. Throws UsageError. */
export function readRuntime(flags: RuntimeFlags, cgroup: string | undefined): RuntimeWish {
  const name = flags.runtime ?? runcRuntime;
  const binaryName = flags['runc-binary'] ?? '';
  const systemdCgroup = flags['runc-systemd-cgroup'];
  if (!takesRuncOptions(name)) {
    if (binaryName !== '' || systemdCgroup)
      throw new UsageError(`"--runc-binary" and "--runc-systemd-cgroup" are not for runtime "${name}"`, 1);
    const configPath = flags['runtime-config-path'] ?? '';
    return { name, options: configPath === '' ? undefined : packMessage(RuntimeOptions, { configPath }) };
  }
  if (systemdCgroup && (cgroup ?? '') === '')
    throw new UsageError('"--runc-systemd-cgroup" needs "--cgroup", such as machine.slice:berth:web', 1);
  return { name, options: packMessage(RuncOptions, { binaryName, systemdCgroup, root: flags['runc-root'] ?? '' }) };
}
