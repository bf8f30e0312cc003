/** Docker's own names for what a container is made of (Engine API 1.51, `ContainerConfig` and `HostConfig`). */

export interface Config {
  readonly Hostname: string;
  readonly Domainname: string;
  readonly User: string;
  readonly AttachStdin: boolean;
  readonly AttachStdout: boolean;
  readonly AttachStderr: boolean;
  readonly Tty: boolean;
  readonly OpenStdin: boolean;
  readonly StdinOnce: boolean;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly Image: string;
  readonly Volumes: Readonly<Record<string, object>> | null;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Seconds. */
  readonly StopTimeout?: number;
}

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

export interface MountRequest {
  readonly Type: 'bind' | 'tmpfs';
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly: boolean;
  readonly Propagation: string;
  readonly TmpfsSize: number;
  readonly TmpfsMode: number;
}

export interface LogConfig {
  readonly Type: string;
  readonly Config: Readonly<Record<string, string>>;
}

export interface HostConfig {
  readonly Binds: readonly string[];
  readonly Mounts: readonly MountRequest[];
  readonly Tmpfs: Readonly<Record<string, string>>;
  readonly NetworkMode: string;
  readonly AutoRemove: boolean;
  readonly Privileged: boolean;
  readonly ReadonlyRootfs: boolean;
  readonly CapAdd: readonly string[];
  readonly CapDrop: readonly string[];
  readonly GroupAdd: readonly string[];
  readonly SecurityOpt: readonly string[];
  readonly PidMode: string;
  readonly IpcMode: string;
  readonly UTSMode: string;
  readonly CgroupnsMode: string;
  readonly CgroupParent: string;
  readonly Runtime: string;
  readonly ExtraHosts: readonly string[];
  readonly Dns: readonly string[];
  readonly DnsOptions: readonly string[];
  readonly DnsSearch: readonly string[];
  readonly Sysctls: Readonly<Record<string, string>>;
  readonly Ulimits: readonly Ulimit[];
  readonly ShmSize: number;
  readonly OomScoreAdj: number;
  readonly OomKillDisable: boolean;
  readonly Memory: number;
  readonly MemoryReservation: number;
  readonly MemorySwap: number;
  /** Percent; -1 leaves it to the kernel. */
  readonly MemorySwappiness: number;
  readonly NanoCpus: number;
  readonly CpuShares: number;
  readonly CpuPeriod: number;
  readonly CpuQuota: number;
  readonly CpusetCpus: string;
  readonly CpusetMems: string;
  /** 0 and -1 mean no limit. */
  readonly PidsLimit: number;
  readonly BlkioWeight: number;
  readonly ConsoleSize: readonly [height: number, width: number];
  readonly Annotations: Readonly<Record<string, string>>;
  readonly LogConfig: LogConfig;
}
