#ifndef BERTH_SHIM_EXITS_H
#define BERTH_SHIM_EXITS_H

#include "shim.h"

/*
 * How the end of a process is told: to its file in the bundle, then as an event, then to those who wait. Never before
 * its start was told; and that of a container's first process after those of all others.
 */

/* From now on the end of this process is kept until exit_allow(). */
void exit_defer(struct process *process);

/* Its start was told, or failed: tells the end, if it has come. */
void exit_allow(struct process *process);

/* Watches process->pid, which is a child of ours or came to us as its subreaper. */
void exit_watch(struct process *process);

/* One process fewer runs beside the first one. */
void exit_count_exec(struct container *container);

/* Answers all who wait for this process, with its status as it is. */
void exit_answer_waiters(struct process *process);

#endif
