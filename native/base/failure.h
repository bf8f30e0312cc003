#ifndef BERTH_FAILURE_H
#define BERTH_FAILURE_H

#include <stdbool.h>

/* The codes of google.rpc.Code that are told to callers. */
enum failure_code {
  OK = 0,
  UNKNOWN = 2,
  INVALID_ARGUMENT = 3,
  DEADLINE_EXCEEDED = 4,
  NOT_FOUND = 5,
  ALREADY_EXISTS = 6,
  PERMISSION_DENIED = 7,
  RESOURCE_EXHAUSTED = 8,
  FAILED_PRECONDITION = 9,
  UNIMPLEMENTED = 12,
  INTERNAL = 13,
  UNAVAILABLE = 14,
};

/*
 * Why something could not be done. House rule: what only asks the kernel returns 0 or -errno; what can say more takes a
 * `struct failure *` last and returns false when it has filled it.
 */
struct failure {
  enum failure_code code;
  char text[2048]; /* "Cannot do X to "y": why; what to do", cut where it does not fit */
};

/* Fills it; returns false, so that `return fail(…)` reads well. */
__attribute__((format(printf, 3, 4))) bool fail(struct failure *failure, enum failure_code code, const char *format, ...);

#endif
