import { formatTime } from '#/base/clock.ts';
import type { SnapshotUsage } from '#/core/snapshots/contract.ts';
import { logPathOf, containerDirectory } from '#/engine/container-files.ts';
import { getSnapshotter } from '#/engine/context.ts';
import { findRecord } from '#/engine/find-container.ts';
import { parseBind } from '#/engine/parse-bind.ts';
import { viewContainer, type ContainerView } from '#/engine/view.ts';
import { queryFlag, type Call, type Handler } from '#/api/docker/call.ts';

export const inspect: Handler = async (call) => {
  const { engine, namespace, path, query, answer } = call;
  const view = await viewContainer(engine, namespace, findRecord(engine, namespace, path[0] ?? ''));
  const usage = queryFlag(query, 'size') ? await usageOf(call, view) : undefined;
  answer.send(200, {
    Id: view.core.id,
    Created: formatTime(view.core.createdAt),
    Path: view.args[0] ?? '',
    Args: view.args.slice(1),
    State: stateOf(view),
    Image: view.imageId,
    ...filesOf(call, view),
    Name: `/${view.name}`,
    RestartCount: view.restartCount,
    Driver: view.core.snapshotter,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds(call, view),
    HostConfig: hostConfigOf(view),
    GraphDriver: { Name: view.core.snapshotter, Data: null },
    ...(usage === undefined ? {} : { SizeRw: usage.size, SizeRootFs: usage.size }),
    Mounts: mountsOf(view),
    Config: configOf(view),
    NetworkSettings: networkSettings(view),
  });
};

async function usageOf({ engine, namespace }: Call, { core }: ContainerView): Promise<SnapshotUsage> {
  return getSnapshotter(engine, core.snapshotter).usage(namespace, core.snapshotKey);
}

function stateOf(view: ContainerView): object {
  const { status } = view;
  return {
    Status: status,
    Running: status === 'running' || status === 'paused',
    Paused: status === 'paused',
    Restarting: false,
    OOMKilled: view.oomKilled,
    Dead: false,
    Pid: view.pid,
    ExitCode: view.exitCode,
    Error: view.error,
    StartedAt: view.startedAt,
    FinishedAt: view.finishedAt,
  };
}

function filesOf({ engine, namespace }: Call, view: ContainerView): object {
  if (!view.ours) return { ResolvConfPath: '', HostnamePath: '', HostsPath: '', LogPath: '' };
  const directory = containerDirectory(engine, { namespace, id: view.core.id });
  return {
    ResolvConfPath: `${directory}/resolv.conf`,
    HostnamePath: `${directory}/hostname`,
    HostsPath: `${directory}/hosts`,
    LogPath: view.hostConfig.LogConfig?.Type === 'none' ? '' : logPathOf(engine, { namespace, id: view.core.id }),
  };
}

function execIds({ engine }: Call, { core }: ContainerView): string[] | null {
  const running = [...engine.execs.values()].filter(
    (exec) => exec.containerId === core.id && exec.state.kind === 'running',
  );
  return running.length === 0 ? null : running.map(({ id }) => id);
}

/** Clients expect these members even where berth has nothing to say. */
function hostConfigOf({ hostConfig }: ContainerView): object {
  return {
    ContainerIDFile: '',
    PortBindings: {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    VolumeDriver: '',
    VolumesFrom: null,
    Cgroup: '',
    Links: null,
    PublishAllPorts: false,
    UsernsMode: '',
    Isolation: '',
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    Init: false,
    ...hostConfig,
  };
}

function configOf({ config }: ContainerView): object {
  return { OnBuild: null, Volumes: null, ...config };
}

function mountsOf({ ours, hostConfig }: ContainerView): object[] {
  if (!ours) return [];
  const binds = (hostConfig.Binds ?? []).map((text) => {
    const { source, destination, options } = parseBind(text);
    return bindPoint(source, destination, options.includes('rw'), options[2] ?? 'rprivate');
  });
  const mounts = (hostConfig.Mounts ?? []).map(({ Type, Source, Target, ReadOnly, Propagation }) =>
    Type === 'bind'
      ? bindPoint(Source, Target, !ReadOnly, Propagation === '' ? 'rprivate' : Propagation)
      : { Type, Source: '', Destination: Target, Mode: '', RW: !ReadOnly, Propagation: '' },
  );
  return [...binds, ...mounts];
}

const bindPoint = (source: string, destination: string, writable: boolean, propagation: string): object => ({
  Type: 'bind',
  Source: source,
  Destination: destination,
  Mode: '',
  RW: writable,
  Propagation: propagation,
});

function networkSettings({ hostConfig }: ContainerView): object {
  const mode = hostConfig.NetworkMode === 'host' ? 'host' : 'none';
  const endpoint = {
    IPAMConfig: null,
    Links: null,
    Aliases: null,
    MacAddress: '',
    DriverOpts: null,
    GwPriority: 0,
    NetworkID: mode,
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: '',
    Ports: {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: '',
    Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    MacAddress: '',
    Networks: { [mode]: endpoint },
  };
}
