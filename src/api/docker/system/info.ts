import { availableParallelism, hostname, release, totalmem } from 'node:os';
import { listRecords } from '#/engine/find-container.ts';
import { viewContainer } from '#/engine/view.ts';
import type { Handler } from '#/api/docker/call.ts';
import { hostArchitecture, operatingSystem } from '#/api/docker/system/host.ts';

const kernelNames: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

export const info: Handler = async ({ engine, namespace, facts, answer }) => {
  const views = await Promise.all(listRecords(engine, namespace).map((core) => viewContainer(engine, namespace, core)));
  const count = (status: string): number => views.filter((view) => view.status === status).length;
  const system = await operatingSystem();
  const architecture = hostArchitecture();
  const v2 = facts.cgroupVersion === 'v2';
  answer.send(200, {
    ID: facts.id,
    Containers: views.length,
    ContainersRunning: count('running'),
    ContainersPaused: count('paused'),
    ContainersStopped: views.length - count('running') - count('paused'),
    Images: engine.images.list(namespace).length,
    Driver: engine.snapshotter,
    DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
    Plugins: { Volume: [], Network: ['host', 'null'], Authorization: null, Log: ['json-file', 'none'] },
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    OomKillDisable: !v2,
    IPv4Forwarding: true,
    Debug: facts.logLevel === 'debug' || facts.logLevel === 'trace',
    NFd: -1,
    NGoroutines: -1,
    SystemTime: new Date().toISOString(),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: v2 ? '2' : '1',
    NEventsListener: 0,
    KernelVersion: release(),
    OperatingSystem: system.name,
    OSVersion: system.version,
    OSType: 'linux',
    Architecture: kernelNames[architecture] ?? architecture,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: { IndexConfigs: {}, InsecureRegistryCIDRs: ['127.0.0.0/8', '::1/128'], Mirrors: null },
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: facts.root,
    HttpProxy: process.env['HTTP_PROXY'] ?? process.env['http_proxy'] ?? '',
    HttpsProxy: process.env['HTTPS_PROXY'] ?? process.env['https_proxy'] ?? '',
    NoProxy: process.env['NO_PROXY'] ?? process.env['no_proxy'] ?? '',
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: facts.version,
    Runtimes: { 'io.containerd.runc.v2': { path: facts.runtimePath }, runc: { path: facts.runtimePath } },
    DefaultRuntime: 'runc',
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: '',
    ContainerdCommit: { ID: facts.revision, Expected: facts.revision },
    RuncCommit: { ID: facts.runtimeVersion, Expected: facts.runtimeVersion },
    InitCommit: { ID: '', Expected: '' },
    SecurityOptions: [],
    Warnings: [
      'WARNING: berth has no seccomp, AppArmor or SELinux profiles yet',
      'WARNING: berth has no bridge network yet: use --network host or --network none',
    ],
  });
};
