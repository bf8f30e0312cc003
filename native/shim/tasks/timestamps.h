#ifndef BERTH_SHIM_TIMESTAMPS_H
#define BERTH_SHIM_TIMESTAMPS_H

#include <stdint.h>
#include <time.h>

#include "google/protobuf/timestamp.pb-c.h"

/* Go's zero time, the beginning of the year 1: what containerd's clients know as "not yet". */
#define NOT_YET INT64_C(-62135596800)

static inline Google__Protobuf__Timestamp timestamp_of(const struct timespec *time) {
  Google__Protobuf__Timestamp timestamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
  timestamp.seconds = time->tv_sec == 0 ? NOT_YET : time->tv_sec;
  timestamp.nanos = (int32_t)time->tv_nsec;
  return timestamp;
}

#endif
