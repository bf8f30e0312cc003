import { after, afterEach } from 'node:test';
import { startVm, type Vm, type VmOptions } from './start-vm.ts';

/**
 * One virtual machine for all tests of a file: it boots when the first asks for it, and ends after the last. A test that
 * fails prints the machine's console.
 */
export function shareVm(options: VmOptions | (() => Promise<VmOptions>) = {}): () => Promise<Vm> {
  let booting: Promise<Vm> | undefined;
  const boot = async (): Promise<Vm> => startVm(typeof options === 'function' ? await options() : options);
  after(async () => {
    const vm = await booting?.catch(() => undefined);
    await vm?.[Symbol.asyncDispose]();
  });
  afterEach(async (context) => {
    if ('passed' in context && context.passed) return;
    const vm = await booting?.catch(() => undefined);
    if (vm !== undefined) console.error(`The virtual machine's console:\n${vm.console().slice(-8192)}`);
  });
  return () => (booting ??= boot());
}
