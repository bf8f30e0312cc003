#ifndef BERTH_SHIM_SHIM_H
#define BERTH_SHIM_SHIM_H

#include <stdbool.h>
#include <time.h>

#include "base/failure.h"
#include "base/loop.h"
#include "base/reaper.h"
#include "shim/cgroup/cgroup.h"
#include "shim/rpc/publisher.h"
#include "shim/rpc/server.h"
#include "shim/runtime/options.h"
#include "shim/runtime/runtime.h"
#include "stdio/streams.h"

/*
 * What a shim has: containers, each with its first process and those that were added later. A container is made by
 * Create and seen by others when the runtime has made it; Delete of its first process takes it away.
 *
 * Calls that need the runtime are operations (operation.h). One process has one operation at a time, the others wait
 * in order; processes do not wait for each other.
 */

enum phase { CREATED, RUNNING, PAUSED, STOPPED };

/* A Wait that is not answered yet. */
struct waiter {
  struct call *call;
  struct waiter *next;
};

struct stdio {
  bool terminal;
  char *in, *out, *err; /* URIs; "" for none */
};

struct process {
  struct container *container;
  struct process *next; /* of those that were added */
  char *id; /* "" for the first process */
  enum phase phase;
  pid_t pid; /* 0: not yet */
  int status;
  struct timespec exited_at; /* 0: not yet */
  struct child child;
  bool ended; /* … but not told yet: its start must be told first, or others must end first */
  struct ending ending;
  struct stdio stdio;
  struct streams *streams; /* NULL until it is made, and when they are finished */
  struct waiter *waiters;
  void (*on_stopped)(struct process *process); /* a Delete waits until its end is told */
  struct operation *current, *queue;
  unsigned queued;
  bool advancing; /* its operations are being begun further up the stack */
  bool starting; /* its end is told after this */
  bool gone; /* removed; freed when its operations are over */
  char *spec; /* of one that was added, until it is started: the OCI process, as JSON */
  size_t spec_size;
};

struct container {
  struct shim *shim;
  struct container *next;
  char *id;
  char *bundle;
  options_t *options;
  struct runtime runtime;
  char *checkpoint, *parent_checkpoint; /* it is to be restored from there; NULL otherwise */
  bool visible; /* the runtime has made it */
  bool gone; /* deleted; freed when nobody uses it any more */
  bool kills_rest; /* at the end of the first process: the pid namespace does not do it */
  bool pausing;
  bool killing; /* … which is being done */
  struct cgroup cgroup;
  struct oom oom;
  bool oom_waits; /* to be told after the start of the first process */
  unsigned users;
  unsigned running_execs; /* started or being started */
  struct process init;
  struct process *execs;
  unsigned exec_count;
};

struct shim {
  struct loop loop;
  struct reaper reaper;
  struct server server;
  struct publisher *publisher;
  const char *namespace;
  struct container *containers; /* also those that are being made */
  void (*shut_down)(struct shim *shim); /* asked for, and nothing is left */
};

/* Each fails as containerd's shim does, in its words: NOT_FOUND, and "container not created" or "process does not exist". */
struct container *container_find(struct shim *shim, const char *id, struct failure *failure);
struct process *process_find(struct container *container, const char *exec_id, struct failure *failure);

/* NULL without memory. The container is not visible yet. */
struct container *container_new(struct shim *shim, const char *id, const char *bundle);
struct process *process_new(struct container *container, const char *id);
bool stdio_set(struct stdio *stdio, bool terminal, const char *in, const char *out, const char *err);

void container_use(struct container *container);
/* Frees it when it is gone and this was its last user. */
void container_release(struct container *container);

/* Takes it out of sight; it goes with its last operation. Waits that are open fail. */
void container_remove(struct container *container);
void process_remove(struct process *process);

/* Frees a process that was removed. */
void process_free(struct process *process);

bool process_is_init(const struct process *process);

#endif
