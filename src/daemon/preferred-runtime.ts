import { join } from 'node:path';
import { mkdir, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { writeFileAtomic } from '#/base/atomic-file.ts';
import { messageOf } from '#/base/errors.ts';
import type { Logger } from '#/base/log.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import { packRuntimeOptions } from '#/core/tasks/pack-runtime-options.ts';
import { findShimBinary } from '#/core/tasks/shim-binary.ts';
import { programIdentity } from '#/core/tasks/program-identity.ts';
import { tryRuntime, type RuntimeTrial } from '#/core/tasks/try-runtime.ts';
import { findProgram } from '#/daemon/runtime-facts.ts';
import { removeTree } from '#/linux/remove-tree.ts';
import { berthRuntime, takesRuncOptions } from '#/oci/runtime-names.ts';

type Runtime = ContainerRecord['runtime'];

/** Closing it gives a trial up that is not over. */
export interface PreferredRuntime extends AsyncDisposable {
  /** The same shim with the OCI runtime that is the better choice here; as it is until that is known. */
  prefer(runtime: Runtime): Runtime;
  /** The OCI runtime that containers get when nobody says another. */
  program(): string;
  /** Resolves when it is known. */
  readonly known: Promise<void>;
}

export interface TrialPlaces {
  readonly root: string;
  readonly state: string;
  readonly cgroupVersion: string;
  /** Where programs that came with the daemon are: the trial runs our shim, which needs nothing. */
  readonly directories: readonly string[];
  readonly logger: Logger;
}

/** It starts containers in less than half of runc's time. */
const better = 'crun';

/**
 * Finds out, beside the daemon's start, whether crun works on this host: not on all kinds of cgroups it does. What was
 * found holds as long as the programs, the kernel and the cgroups are the same, over restarts too.
 */
export function openPreferredRuntime(places: TrialPlaces): PreferredRuntime {
  let works = false;
  const closing = new AbortController();
  const known = decide(places, closing.signal).then(
    (answer) => void (works = answer),
    (error: unknown) => {
      if (!closing.signal.aborted)
        places.logger.warn(`cannot find out whether ${better} works`, { error: messageOf(error) });
    },
  );
  return {
    known,
    program: () => (works ? better : 'runc'),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await known;
    },
    prefer: (runtime) => {
      if (!works || runtime.options !== undefined || !takesRuncOptions(runtime.name)) return runtime;
      const options = packRuntimeOptions(runtime.name, { BinaryName: better }, '');
      return options === undefined ? runtime : { ...runtime, options };
    },
  };
}

async function decide(
  { root, state, cgroupVersion, directories, logger }: TrialPlaces,
  signal: AbortSignal,
): Promise<boolean> {
  const program = await findProgram(better);
  const payload = await findShimBinary(berthRuntime, { directories }).catch(() => undefined);
  if (program === undefined || payload === undefined) return false;
  const identities = await Promise.all([program, payload].map(programIdentity));
  const subject = [...identities, release(), cgroupVersion].join(' ');
  const record = join(root, 'runtime-trial.json');
  const before = await readRecord(record);
  if (before?.subject === subject) return before.works;
  const why = await tryAnew(state, { program, payload, signal });
  signal.throwIfAborted();
  if (why !== undefined) logger.info(`${better} does not work on this host; runc runs the containers`, { why });
  await writeFileAtomic(record, JSON.stringify({ subject, works: why === undefined }));
  return why === undefined;
}

async function tryAnew(
  state: string,
  trial: Pick<RuntimeTrial, 'program' | 'payload' | 'signal'>,
): Promise<string | undefined> {
  const directory = join(state, 'runtime-trial');
  await removeTree(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    return await tryRuntime({ ...trial, args: ['-v'], directory });
  } finally {
    await removeTree(directory);
  }
}

interface TrialRecord {
  readonly subject: string;
  readonly works: boolean;
}

async function readRecord(path: string): Promise<TrialRecord | undefined> {
  const text = await readFile(path, 'utf8').catch(() => 'null');
  try {
    const { subject, works } = Object(JSON.parse(text)) as Partial<Record<keyof TrialRecord, unknown>>;
    return typeof subject === 'string' && typeof works === 'boolean' ? { subject, works } : undefined;
  } catch {
    return undefined;
  }
}
