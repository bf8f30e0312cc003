import type { Bundle } from '#/core/tasks/bundle.ts';
import type { TaskKey, TasksContext } from '#/core/tasks/context.ts';
import type { Exit } from '#/core/tasks/contract.ts';
import type { ShimBinaries } from '#/core/tasks/shim-binary.ts';
import type { RuntimeMounts } from '#/core/tasks/runtime-info.ts';
import type { ShimDialects } from '#/core/tasks/shim-dialect.ts';
import type { Registry } from '#/core/tasks/registry.ts';
import type { RunningSandbox } from '#/core/tasks/running-sandbox.ts';
import type { RunningTask } from '#/core/tasks/running-task.ts';
import type { Teardowns } from '#/core/tasks/teardowns.ts';

export interface LostTask {
  readonly bundle: Bundle;
  readonly exit: Exit;
}

/** What the stories of a task's life share. */
export interface TaskHost {
  readonly context: TasksContext;
  readonly registry: Registry<RunningTask>;
  readonly sandboxes: { readonly registry: Registry<RunningSandbox>; readonly teardowns: Teardowns };
  readonly teardowns: Teardowns;
  /** Tasks that did not outlive an earlier daemon, by their names. */
  readonly lost: Map<string, LostTask>;
  /** Who must know of an end before the last trace of it goes. */
  readonly recorders: Set<(key: TaskKey) => Promise<void>>;
  readonly binaries: ShimBinaries;
  readonly dialects: ShimDialects;
  readonly runtimeMounts: RuntimeMounts;
  /** Aborts when the daemon stops: from then on shims that go away are nobody's concern here. */
  readonly closing: AbortSignal;
}
