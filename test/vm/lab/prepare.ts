/** Makes what all virtual machines need, where it is not there yet. */
import { openBerthDisks } from './berth-disks.ts';
import { openMachine } from './machine.ts';

await openMachine();
await openBerthDisks();
