/** Names by which shims are chosen; `core/tasks/shim-binary.ts` knows the program that each stands for. */

/** berth's own shim. */
export const berthRuntime = 'io.containerd.berth.v1';

/** containerd's shim, which its clients name, ours too, whatever is installed. */
export const runcRuntime = 'io.containerd.runc.v2';

/** For containers that name none. */
export const defaultRuntime: string = berthRuntime;

/** Whether a runtime's shim runs an OCI runtime and takes the options of runc's. */
export const takesRuncOptions = (name: string): boolean => name === runcRuntime || name === berthRuntime;
