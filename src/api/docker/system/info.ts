import { availableParallelism, hostname, release, totalmem } from 'node:os';
import { listRecords } from '#/engine/find-container.ts';
import { viewContainer } from '#/engine/view.ts';
import { registryConfig } from '#/api/docker/system/registry-config.ts';
import type { Call, Handler } from '#/api/docker/call.ts';
import { hostArchitecture, operatingSystem } from '#/api/docker/system/host.ts';

const kernelNames: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

export const info: Handler = async (call) => {
  call.answer.send(200, { ...(await storeInfo(call)), ...(await hostInfo()), ...limitsInfo(call), ...fixedInfo(call) });
};

/** What is kept, and where. */
async function storeInfo({ engine, namespace, facts }: Call): Promise<object> {
  const records = listRecords(engine, namespace);
  const views = await Promise.all(records.map((core) => viewContainer(engine, namespace, core)));
  const count = (status: string): number => views.filter((view) => view.status === status).length;
  return {
    ID: facts.id,
    Containers: views.length,
    ContainersRunning: count('running'),
    ContainersPaused: count('paused'),
    ContainersStopped: views.length - count('running') - count('paused'),
    Images: engine.images.list(namespace).length,
    Driver: engine.snapshotter,
    DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
    DockerRootDir: facts.root,
  };
}

/** What the machine is. */
async function hostInfo(): Promise<object> {
  const system = await operatingSystem();
  const architecture = hostArchitecture();
  return {
    KernelVersion: release(),
    OperatingSystem: system.name,
    OSVersion: system.version,
    OSType: 'linux',
    Architecture: kernelNames[architecture] ?? architecture,
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    Name: hostname(),
    SystemTime: new Date().toISOString(),
    HttpProxy: process.env['HTTP_PROXY'] ?? process.env['http_proxy'] ?? '',
    HttpsProxy: process.env['HTTPS_PROXY'] ?? process.env['https_proxy'] ?? '',
    NoProxy: process.env['NO_PROXY'] ?? process.env['no_proxy'] ?? '',
  };
}

/** Which limits containers can be given. */
function limitsInfo({ facts }: Call): object {
  const v2 = facts.cgroupVersion === 'v2';
  return {
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    OomKillDisable: !v2,
    CgroupDriver: facts.cgroupDriver,
    CgroupVersion: v2 ? '2' : '1',
  };
}

/** What berth is, and what clients expect to find though berth has nothing to say. */
function fixedInfo({ facts }: Call): object {
  return {
    ServerVersion: facts.version,
    Plugins: { Volume: [], Network: ['host', 'null'], Authorization: null, Log: ['json-file', 'none'] },
    LoggingDriver: 'json-file',
    Runtimes: Object.fromEntries(facts.runtimes.map((name) => [name, { path: name }])),
    DefaultRuntime: facts.defaultRuntime(),
    RuncCommit: { ID: facts.runtimeVersion, Expected: facts.runtimeVersion },
    ContainerdCommit: { ID: facts.revision, Expected: facts.revision },
    InitCommit: { ID: '', Expected: '' },
    Debug: facts.logLevel === 'debug' || facts.logLevel === 'trace',
    NFd: -1,
    NGoroutines: -1,
    NEventsListener: 0,
    IPv4Forwarding: true,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(facts.registries),
    GenericResources: null,
    Labels: [],
    ExperimentalBuild: false,
    Swarm: noSwarm,
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: '',
    SecurityOptions: [],
    Warnings: [
      'WARNING: berth has no seccomp, AppArmor or SELinux profiles yet',
      'WARNING: berth has no bridge network yet: use --network host or --network none',
    ],
  };
}

const noSwarm = {
  NodeID: '',
  NodeAddr: '',
  LocalNodeState: 'inactive',
  ControlAvailable: false,
  Error: '',
  RemoteManagers: null,
};
