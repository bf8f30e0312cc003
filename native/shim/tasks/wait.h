#ifndef BERTH_SHIM_WAIT_H
#define BERTH_SHIM_WAIT_H

#include "shim.h"

/* Answers a Wait with how the process ended. */
void wait_answer(const struct process *process, struct call *call);

#endif
