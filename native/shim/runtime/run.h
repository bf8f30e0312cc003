#ifndef BERTH_SHIM_RUN_H
#define BERTH_SHIM_RUN_H

#include "base/failure.h"
#include "base/loop.h"
#include "base/reaper.h"
#include "words.h"

/* One run of a program. It lives as long as its owner says, at least until `done` was called. */
struct run {
  struct loop *loop;
  struct reaper *reaper;
  struct child child;
  struct timer limit;
  struct source output; /* what it says on both its outputs, where that is read */
  char *text;
  size_t length, room;
  bool overdue; /* it was killed for taking too long */
  int status; /* as reaper.h tells it */
  void (*done)(struct run *run);
};

struct run_request {
  const struct words *words;
  int fds[3]; /* -1: /dev/null */
  bool captured; /* both outputs go to run->text instead of fds[1] and fds[2] */
  int64_t limit_ms; /* then its process group is killed */
};

enum { RUN_TEXT_MOST = 1 << 20 };

/* Starts it; `run` must be zeroed but for loop, reaper and done. `done` is never called from within. */
bool run_start(struct run *run, const struct run_request *request, struct failure *failure);

/* Frees what it said. Not while it runs. */
void run_close(struct run *run);

/* Kills it without waiting, when the owner has no time left; `done` is not called any more. */
void run_abandon(struct run *run);

#endif
