#ifndef BERTH_REAPER_H
#define BERTH_REAPER_H

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

#include "loop.h"

/* How a process ended, and when (CLOCK_REALTIME). */
struct ending {
  pid_t pid;
  int status; /* 0 to 255 as a shell tells it: the exit code, or 128 + the signal */
  struct timespec at;
};

/* A child, or a descendant that came to us as its subreaper. */
struct child {
  pid_t pid;
  void (*ended)(struct child *child, const struct ending *ending);
  struct child *next;
};

/*
 * Reaps every child, watched or not. A pid may be learnt after its process has ended: between reaper_hold() and
 * reaper_release() the endings of unknown pids are kept, so that reaper_watch() never misses one.
 */
struct reaper {
  struct loop *loop;
  struct source source; /* a signalfd */
  struct timer late;
  struct child *children;
  struct child *over; /* ended before they were watched; told in the next turn */
  unsigned holds;
  size_t kept, room;
  struct ending *endings;
  struct rlimit descriptors; /* how many this program was allowed, which its children are again */
};

/*
 * Blocks SIGCHLD in this process, becomes a subreaper and allows itself as many descriptors as it may: a program that is
 * started must get its signal mask cleared, and the old limit back.
 */
int reaper_open(struct reaper *reaper, struct loop *loop);
void reaper_close(struct reaper *reaper);

/* Calls child->ended once, never from within. */
void reaper_watch(struct reaper *reaper, struct child *child);
void reaper_forget(struct reaper *reaper, struct child *child);

void reaper_hold(struct reaper *reaper);
void reaper_release(struct reaper *reaper);

#endif
