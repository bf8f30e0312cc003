import { addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

/**
 * Tells the service manager how the daemon does, as sd_notify(3) has it: `READY=1`, `STOPPING=1`, `STATUS=…`. False
 * when no manager asked by NOTIFY_SOCKET, which is a path or, after "@", an abstract name.
 */
export function notifyManager(lines: readonly string[], environment: NodeJS.ProcessEnv = process.env): boolean {
  const address = environment['NOTIFY_SOCKET'];
  if (address === undefined || !/^[/@]/.test(address)) return false;
  const name = Buffer.from(address.startsWith('@') ? `\0${address.slice(1)}` : address);
  checkCall(addon().sendDatagram(name, Buffer.from(lines.join('\n'))), 'sendto', { path: address });
  return true;
}
