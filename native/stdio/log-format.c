#include "log-format.h"

#include <string.h>

#include "json.h"

enum { SECONDS = sizeof "2006-01-02T15:04:05" - 1 };

void stamp_now(struct stamp *stamp) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec != stamp->second || stamp->length == 0) {
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp->text, sizeof stamp->text, "%Y-%m-%dT%H:%M:%S", &utc);
    stamp->second = now.tv_sec;
  }
  char *out = stamp->text + SECONDS;
  if (now.tv_nsec != 0) {
    *out++ = '.';
    for (long unit = 100000000, rest = now.tv_nsec; rest != 0; rest %= unit, unit /= 10) *out++ = (char)('0' + rest / unit);
  }
  *out++ = 'Z';
  stamp->length = (size_t)(out - stamp->text);
}

size_t format_room(enum log_format format, size_t length) {
  return (format == LOG_JSON ? length * JSON_EXPANSION : length) + LOG_FRAME;
}

static char *put(char *to, const char *text) {
  size_t length = strlen(text);
  memcpy(to, text, length);
  return to + length;
}

static size_t format_json(char *to, const struct stamp *stamp, enum stream stream, const unsigned char *bytes,
                          size_t length) {
  char *out = put(to, "{\"log\":\"");
  out += json_escape(out, bytes, length);
  out = put(out, stream == STREAM_STDOUT ? "\",\"stream\":\"stdout\",\"time\":\"" :
                                           "\",\"stream\":\"stderr\",\"time\":\"");
  memcpy(out, stamp->text, stamp->length);
  return (size_t)(put(out + stamp->length, "\"}\n") - to);
}

static size_t format_cri(char *to, const struct stamp *stamp, enum stream stream, bool is_part, const unsigned char *bytes,
                         size_t length) {
  memcpy(to, stamp->text, stamp->length);
  char *out = put(to + stamp->length, stream == STREAM_STDOUT ? " stdout " : " stderr ");
  out = put(out, is_part ? "P " : "F ");
  memcpy(out, bytes, length);
  out[length] = '\n';
  return (size_t)(out + length + 1 - to);
}

size_t format_record(enum log_format format, char *to, const struct stamp *stamp, enum stream stream, bool is_part,
                     const unsigned char *bytes, size_t length) {
  return format == LOG_JSON ? format_json(to, stamp, stream, bytes, length) :
                              format_cri(to, stamp, stream, is_part, bytes, length);
}
