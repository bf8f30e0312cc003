/** All cases, in the order in which they run. */
import type { CtrCase } from '../ctr-cases/contract.ts';
import { execCases } from './exec-cases.ts';
import { failureCases } from './failure-cases.ts';
import { groupCases } from './group-cases.ts';
import { lifeCases } from './life-cases.ts';
import { streamCases } from './stream-cases.ts';

export const shimCases: readonly CtrCase[] = [
  ...lifeCases,
  ...streamCases,
  ...execCases,
  ...groupCases,
  ...failureCases,
];
