#ifndef BERTH_SHIM_EVENTS_H
#define BERTH_SHIM_EVENTS_H

#include "messages.h"
#include "shim.h"

/* What is told to the daemon, under containerd's topics. */
void event_create(const struct container *container, const create_request *request);
void event_start(const struct process *process);
void event_exec_added(const struct process *process);
void event_exit(const struct process *process);
void event_delete(const struct container *container);
void event_paused(const struct container *container);
void event_resumed(const struct container *container);
void event_oom(const struct container *container);

#endif
