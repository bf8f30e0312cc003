#ifndef BERTH_SHIM_OPERATION_H
#define BERTH_SHIM_OPERATION_H

#include "shim.h"
#include "shim/runtime/console.h"

/*
 * A call that needs the runtime, from the moment when its process is free for it until it is answered. `begin` starts a
 * run and names `finish`, or answers at once; whoever answers ends the operation.
 */
struct operation {
  struct runtime_call runtime;
  struct process *process;
  struct container *container;
  struct call *call; /* NULL: nobody asked for it */
  const void *request; /* lives as long as the call */
  bool abandoned; /* nobody waits for it any more */
  void (*begin)(struct operation *operation);
  void (*finish)(struct operation *operation);
  void (*opened)(struct operation *operation); /* what comes when the streams are ready, or are not */
  void (*failed)(struct operation *operation, const struct failure *failure);
  struct console *console; /* NULL: no terminal */
  char *log; /* a log of its own, or NULL; freed */
  void *extra; /* of the call's own; freed */
  struct failure *left; /* what is to be answered after something else was undone; freed */
  struct operation *next;
};

enum { OPERATIONS_MOST = 256 };

/* Calls `begin` now, or when those before it are over. Without memory or with too many of them the call fails. */
void operation_begin(struct process *process, struct call *call, const void *request, void (*begin)(struct operation *));

/* Runs the runtime; `finish` is called at its end. */
bool operation_run(struct operation *operation, const struct run_request *request, void (*finish)(struct operation *),
                   struct failure *failure);

/* The usual run: nothing to read, what it says is kept for its error. */
bool operation_run_captured(struct operation *operation, const struct words *words, void (*finish)(struct operation *),
                            struct failure *failure);

/* Answers the call, ends the operation, and lets the next begin. */
void operation_answer(struct operation *operation, const void *response);
void operation_answer_empty(struct operation *operation);
void operation_fail(struct operation *operation, const struct failure *failure);

/* The end without an answer, which was given before. */
void operation_end(struct operation *operation);

#endif
