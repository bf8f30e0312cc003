#ifndef BERTH_SHIM_RUNTIME_H
#define BERTH_SHIM_RUNTIME_H

#include "run.h"

/* An OCI runtime as one container uses it. Every call of it begins with these flags. */
struct runtime {
  char *binary; /* a name in PATH, or a path */
  char *root; /* of its state, with the namespace */
  char *log; /* it writes JSON lines there */
  bool systemd_cgroup;
};

/* Where runtimes keep their state when the options name no other place: containerd's, so that its tools find it. */
#define RUNTIME_ROOT "/run/containerd/runc"

/* Long enough for hooks that fetch something; a caller's own deadline is nearer. */
enum { RUNTIME_LIMIT_MS = 5 * 60 * 1000 };

/* NULLs for what is not given mean the usual. Returns false without memory. */
bool runtime_open(struct runtime *runtime, const char *binary, const char *root, const char *namespace, const char *bundle);
void runtime_close(struct runtime *runtime);

/* Begins its command line: program, flags, and the first word of what it is to do. */
void runtime_words(const struct runtime *runtime, const char *log, const char *verb, struct words *words);

/* One call, with its part of the log. */
struct runtime_call {
  struct run run;
  const char *log; /* must live until the call is over */
  size_t log_offset;
};

/* As run_start(). */
bool runtime_call_start(struct runtime_call *call, const char *log, const struct run_request *request,
                        struct failure *failure);

/*
 * True when it succeeded. Otherwise "what: why", where why is the last error in its log, else what it said, else how it
 * ended; the text that clients know from containerd.
 */
bool runtime_call_result(const struct runtime_call *call, const char *what, struct failure *failure);

#endif
