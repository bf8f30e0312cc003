#ifndef BERTH_STDIO_LOG_FORMAT_H
#define BERTH_STDIO_LOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Docker's number of an output stream, as in its multiplexed frames. */
enum stream { STREAM_STDOUT = 1, STREAM_STDERR = 2 };

/*
 * Docker's json-file: one object per line, the newline inside of it. The kubelet's (CRI): time, stream, F for the end of a
 * line or P for a part of it, the bytes as they are.
 */
enum log_format { LOG_JSON, LOG_CRI };

/* What a record may need beside its bytes. */
enum { LOG_FRAME = 128 };

/* The time as text, made once a second and completed once per call. */
struct stamp {
  time_t second;
  size_t length;
  char text[sizeof "2006-01-02T15:04:05.999999999Z"];
};

/* RFC 3339 with nanoseconds in UTC, trailing zeros cut. */
void stamp_now(struct stamp *stamp);

/* The most bytes that a record of so many takes. */
size_t format_room(enum log_format format, size_t length);

/* Writes one record and returns its length. For json-file the bytes end with a newline where the line ended. */
size_t format_record(enum log_format format, char *to, const struct stamp *stamp, enum stream stream, bool is_part,
                     const unsigned char *bytes, size_t length);

#endif
