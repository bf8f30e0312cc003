/** All cases, in the order in which they run. */
import { containerCases } from './container-cases.ts';
import { contentCases } from './content-cases.ts';
import type { CtrCase } from './contract.ts';
import { imageCases } from './image-cases.ts';
import { otherCases } from './other-cases.ts';
import { snapshotCases } from './snapshot-cases.ts';
import { taskCases } from './task-cases.ts';

export const ctrCases: readonly CtrCase[] = [
  ...contentCases,
  ...imageCases,
  ...snapshotCases,
  ...containerCases,
  ...taskCases,
  ...otherCases,
];
