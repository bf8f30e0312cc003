#ifndef BERTH_SHIM_TIMESTAMPS_H
#define BERTH_SHIM_TIMESTAMPS_H

#include <time.h>

#include "google/protobuf/timestamp.pb-c.h"

static inline Google__Protobuf__Timestamp timestamp_of(const struct timespec *time) {
  Google__Protobuf__Timestamp timestamp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
  timestamp.seconds = time->tv_sec;
  timestamp.nanos = (int32_t)time->tv_nsec;
  return timestamp;
}

#endif
