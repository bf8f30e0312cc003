#ifndef BERTH_SHIM_SPAWN_H
#define BERTH_SHIM_SPAWN_H

#include <sys/resource.h>
#include <sys/types.h>

/* A program to start. It gets no descriptor but these three, no blocked signal, and a process group of its own. */
struct spawn {
  const char *const *words; /* words[0] is looked up in PATH; NULL-ended */
  int fds[3]; /* -1: /dev/null */
  struct rlimit descriptors; /* how many it may have */
};

/* The child's pid, or -errno of what kept it from being executed. The child is killed when this process ends. */
pid_t spawn_program(const struct spawn *spawn);

#endif
