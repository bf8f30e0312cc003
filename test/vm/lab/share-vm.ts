import { after, afterEach } from 'node:test';
import { startVm, type Vm, type VmOptions } from './start-vm.ts';

/** A shared machine's options, and what is done in it before the first test has it. */
export interface SharedVmOptions extends VmOptions {
  readonly prepare?: (vm: Vm) => Promise<void>;
}

/**
 * One virtual machine for all tests of a file: it boots when the first asks for it, and ends after the last. When a test
 * failed, the machine's console is printed.
 */
export function shareVm(options: SharedVmOptions | (() => Promise<SharedVmOptions>) = {}): () => Promise<Vm> {
  let vm: Vm | undefined;
  let booting: Promise<Vm> | undefined;
  let hasFailed = false;
  const boot = async (): Promise<Vm> => {
    const chosen = typeof options === 'function' ? await options() : options;
    vm = await startVm(chosen);
    await chosen.prepare?.(vm);
    return vm;
  };
  afterEach((context) => {
    hasFailed ||= 'passed' in context && !context.passed;
  });
  after(async () => {
    if (hasFailed && vm !== undefined) console.error(`The virtual machine's console:\n${vm.console().slice(-8192)}`);
    await vm?.[Symbol.asyncDispose]();
  });
  return () => (booting ??= boot());
}
