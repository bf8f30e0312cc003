/** Makes what all virtual machines need, where it is not there yet. */
import { openMachine } from './machine.ts';

await openMachine();
