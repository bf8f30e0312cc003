import { copyFile, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { newToken } from '#/base/ids.ts';
import { whyItFailed } from '#/core/tasks/run-shim.ts';
import { removeCgroup } from '#/linux/cgroup.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { unmountAll } from '#/linux/mount.ts';
import { run } from '#/linux/spawn.ts';

export interface RuntimeTrial {
  /** The OCI runtime. */
  readonly program: string;
  /** A static program that ends well with `args`. */
  readonly payload: string;
  readonly args: readonly string[];
  /** Where it may make a directory of its own. */
  readonly directory: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const patience = 10_000;
const maxOutput = 64 * 1024;
const cgroupParent = '/berth';

/**
 * Finds out whether an OCI runtime works on this host: runs a container with namespaces, limits and a cgroup as people's
 * have them. Answers undefined when it does, else why not. Nothing stays of it.
 */
export async function tryRuntime(trial: RuntimeTrial): Promise<string | undefined> {
  const { program, timeoutMs = patience, signal } = trial;
  const id = `trial-${newToken(6)}`;
  await using place = await mkdtempDisposable(join(trial.directory, 'trial-'));
  const [bundle, root] = [join(place.path, 'bundle'), join(place.path, 'state')];
  await using cleaning = new AsyncDisposableStack();
  cleaning.defer(() => removeTraces(place.path, id));
  try {
    await makeBundle(bundle, id, trial);
    const limits = { env: process.env, cwd: bundle, timeoutMs, maxOutput };
    const call = (words: readonly string[], options: Pick<RuntimeTrial, 'signal'> = {}): ReturnType<typeof run> =>
      run({ file: program, args: ['--root', root, ...words], ...limits, ...options });
    cleaning.defer(async () => void (await call(['delete', '--force', id]).catch(() => {})));
    const result = await call(['run', '--bundle', bundle, id], signal === undefined ? {} : { signal });
    return result.code === 0 ? undefined : whyItFailed(result);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function makeBundle(bundle: string, id: string, { payload, args }: RuntimeTrial): Promise<void> {
  const rootfs = join(bundle, 'rootfs');
  await Promise.all(['proc', 'dev', 'sys'].map((name) => mkdir(join(rootfs, name), { recursive: true })));
  await copyFile(payload, join(rootfs, basename(payload)));
  await writeFile(join(bundle, 'config.json'), JSON.stringify(trialSpec(id, [`/${basename(payload)}`, ...args])));
}

function trialSpec(id: string, args: readonly string[]): object {
  const capabilities = ['CAP_KILL', 'CAP_CHOWN'];
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'ro'] },
    ],
    linux: {
      cgroupsPath: `${cgroupParent}/${id}`,
      resources: { memory: { limit: 64 << 20 }, pids: { limit: 32 }, cpu: { shares: 512 } },
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
    },
  };
}

/** What a runtime leaves that was killed, or that gave up half way. */
async function removeTraces(directory: string, id: string): Promise<void> {
  const mounts = await listMounts();
  for (const { target } of mounts.reverse()) if (target.startsWith(`${directory}/`)) await unmountAll(target);
  const hierarchies = mounts.filter(({ type }) => type === 'cgroup' || type === 'cgroup2');
  await Promise.all(hierarchies.map(({ target }) => removeCgroup(join(target, cgroupParent, id)).catch(() => {})));
}
