import type { ContainerdCore } from '#/api/containerd/core.ts';
import { formatGoDuration } from '#/base/go-duration.ts';
import { handlers } from '#/core/mounts/plan-activation.ts';
import type { Snapshotter } from '#/core/snapshots/contract.ts';
import type { Platform } from '#/oci/platform.ts';
import { hostPlatform } from '#/oci/platform.ts';
import type { RemoteDiffer } from '#/remote/remote-differ.ts';
import type { BoundService } from '#/rpc/service.ts';

/** A part of the daemon under containerd's names for parts. */
export interface Plugin {
  readonly type: string;
  readonly id: string;
  readonly requires: readonly string[];
  readonly platforms: readonly Platform[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  /** Why it is not there. Clients take a text that ends in "skip plugin" for an intended absence. */
  readonly absent?: string;
}

export const runtimePlugin = { type: 'io.containerd.runtime.v2', id: 'task' } as const;

/**
 * The parts that are there: one entry per snapshotter and per service, and the fixed ones. Newer Go clients look for the
 * snapshotter before they unpack, builders for a runtime with a platform.
 */
export function listPlugins(core: ContainerdCore, services: readonly BoundService[]): Plugin[] {
  const ids = services.map(serviceId);
  return [
    plugin('content', 'content'),
    plugin('event', 'exchange'),
    ...[...core.snapshotters.values()].map(snapshotterEntry),
    plugin('metadata', 'sqlite', {
      requires: ['content', 'event', 'snapshotter'],
      exports: { policy: core.content.sharing },
    }),
    plugin('gc', 'scheduler', { requires: ['metadata'], exports: scheduleExports(core) }),
    plugin('internal', 'opt', { exports: { path: core.optDirectory } }),
    plugin('lease', 'manager', { requires: ['metadata', 'gc'] }),
    plugin('differ', 'walking', { requires: ['metadata'], platforms: [hostPlatform()] }),
    ...(core.differs ?? []).flatMap(differEntry),
    ...(ids.includes('mounts') ? mountEntries : []),
    plugin('shim', 'manager', { requires: ['event', 'metadata'] }),
    runtimeEntry(ids),
    ...restartEntries(core),
    ...(ids.includes('transfer') ? [plugin('transfer', 'local', { requires: transferNeeds })] : []),
    ...(ids.includes('streaming') ? [plugin('streaming', 'manager')] : []),
    ...(ids.includes('sandbox-controllers') ? sandboxEntries : []),
    ...ids.map((id) => plugin('grpc', id)),
  ];
}

const transferNeeds = ['lease', 'metadata', 'differ', 'snapshotter'];

const mountEntries = [
  ...handlers.map((id) => plugin('mount-handler', id, { platforms: [hostPlatform()] })),
  plugin('mount-manager', 'sqlite', { requires: ['metadata', 'mount-handler'] }),
];

const sandboxEntries = [
  plugin('sandbox.store', 'local', { requires: ['metadata'] }),
  plugin('sandbox.controller', 'shim', { requires: ['shim', 'event'] }),
  plugin('podsandbox.controller', 'podsandbox', {
    absent: 'it is a part of CRI, which is not served yet: skip plugin',
  }),
];

/** How the collector is set, in the words of containerd's export. */
function scheduleExports({ garbage: { schedule } }: ContainerdCore): Readonly<Record<string, string>> {
  return {
    PauseThreshold: String(schedule.pauseThreshold),
    DeletionThreshold: String(schedule.deletionThreshold),
    MutationThreshold: String(schedule.mutationThreshold),
    ScheduleDelay: formatGoDuration(BigInt(Math.round(schedule.scheduleDelay * 1e6))),
  };
}

/** nerdctl asks for it before it takes `--restart`. */
function restartEntries({ restartPolicies: capabilities }: ContainerdCore): Plugin[] {
  if (capabilities === undefined) return [];
  return [plugin('monitor.container', 'restart', { requires: ['event', 'metadata'], capabilities })];
}

type Details = Partial<Omit<Plugin, 'type' | 'id'>>;

/** An entry; types are given without the prefix and version that all of them have. */
function plugin(type: string, id: string, details: Details = {}): Plugin {
  const { requires = [], platforms = [], exports = {}, capabilities = [] } = details;
  return { ...details, type: typeName(type), id, requires: requires.map(typeName), platforms, exports, capabilities };
}

function typeName(type: string): string {
  return `io.containerd.${type}.v1`;
}

function differEntry(differ: 'walking' | RemoteDiffer): Plugin[] {
  if (differ === 'walking') return [];
  const { name, exports, capabilities } = differ;
  return [plugin('differ', name, { platforms: [hostPlatform()], exports, capabilities })];
}

function snapshotterEntry({ name, exports, capabilities }: Snapshotter): Plugin {
  return plugin('snapshotter', name, { platforms: [hostPlatform()], exports, capabilities });
}

function runtimeEntry(ids: readonly string[]): Plugin {
  const requires = ['shim', ...(ids.includes('mounts') ? ['mount-manager'] : [])];
  const exports = { 'log-uri-schemes': 'binary,file,fifo' };
  return { ...plugin('runtime', 'task', { requires, platforms: [hostPlatform()], exports }), ...runtimePlugin };
}

const otherNames: Readonly<Record<string, string>> = {
  'grpc.health.v1.Health': 'healthcheck',
  'containerd.services.sandbox.v1.Store': 'sandboxes',
  'containerd.services.sandbox.v1.Controller': 'sandbox-controllers',
};

export const serviceUri = (service: BoundService): string => `${typeName('grpc')}.${serviceId(service)}`;

/** `containerd.services.tasks.v1.Tasks` → `tasks`; some services have another name among plugins. */
function serviceId({ desc }: BoundService): string {
  return otherNames[desc.typeName] ?? desc.typeName.split('.').at(-3) ?? desc.typeName;
}
