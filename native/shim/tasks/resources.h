#ifndef BERTH_SHIM_RESOURCES_H
#define BERTH_SHIM_RESOURCES_H

#include "shim.h"

/* The cgroup of a container, from the moment when its first process is there until it is deleted. Without one it runs too. */
void resources_open(struct container *container);

/* A process has just ended, with this status: if the kernel killed it for want of memory, that is told first. */
void resources_check(struct container *container, int status);

/* The start of the first process has been told, which comes before whatever the kernel did to it. */
void resources_started(struct container *container);

void resources_close(struct container *container);

#endif
