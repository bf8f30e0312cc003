#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rotate.h"

/* RFC 3339 with nanoseconds in UTC, trailing zeros cut. */
static size_t put_time(struct log *log, char *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec != log->stamped || log->stamp[0] == '\0') {
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    strftime(log->stamp, sizeof log->stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    log->stamped = now.tv_sec;
  }
  size_t length = sizeof log->stamp - 1;
  memcpy(to, log->stamp, length);
  if (now.tv_nsec != 0) {
    to[length++] = '.';
    for (long unit = 100000000, rest = now.tv_nsec; rest != 0; rest %= unit, unit /= 10)
      to[length++] = (char)('0' + rest / unit);
  }
  to[length++] = 'Z';
  return length;
}

static size_t put_text(char *to, const char *text) {
  size_t length = strlen(text);
  memcpy(to, text, length);
  return length;
}

/* One object, at most JSON_EXPANSION times `length` plus LOG_FRAME bytes. */
static size_t put_line(struct log *log, char *to, enum stream stream, const unsigned char *bytes, size_t length) {
  char *out = to;
  out += put_text(out, "{\"log\":\"");
  out += json_escape(out, bytes, length);
  out += put_text(out, stream == STREAM_STDOUT ? "\",\"stream\":\"stdout\",\"time\":\"" :
                                                 "\",\"stream\":\"stderr\",\"time\":\"");
  out += put_time(log, out);
  out += put_text(out, "\"}\n");
  return (size_t)(out - to);
}

static uint64_t count_lines(const char *bytes, size_t length) {
  uint64_t lines = 0;
  for (const char *end = bytes + length; bytes < end; lines++) {
    const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
    if (newline == NULL) break;
    bytes = newline + 1;
  }
  return lines;
}

/* Cuts the file back to whole lines after a write that stopped in the middle of one; returns the bytes that stay. */
static size_t keep_whole_lines(struct log *log, const char *bytes, size_t written) {
  const char *newline = memrchr(bytes, '\n', written);
  size_t whole = newline == NULL ? 0 : (size_t)(newline - bytes) + 1;
  if (whole == written) return whole;
  if (ftruncate(log->fd, log->size + (int64_t)whole) == 0) {
    log->size += (int64_t)whole;
  } else {
    log->size += (int64_t)written;
    log->torn = true;
  }
  return whole;
}

/* Appends whole lines; those that could not be written are counted as dropped. */
static int append(struct log *log, const char *bytes, size_t length) {
  if (log->torn && write(log->fd, "\n", 1) == 1) {
    log->torn = false;
    log->size++;
  }
  size_t written = 0;
  while (written < length) {
    ssize_t count = write(log->fd, bytes + written, length - written);
    if (count > 0) written += (size_t)count;
    else if (count == 0 || errno != EINTR) break;
  }
  if (written == length) {
    log->size += (int64_t)length;
    return 0;
  }
  log->reason = errno;
  size_t whole = keep_whole_lines(log, bytes, written);
  if (whole == written) log->size += (int64_t)written;
  log->dropped += count_lines(bytes + whole, length - whole);
  return -log->reason;
}

static int note_dropped(struct log *log) {
  if (log->dropped == 0) return 0;
  char text[256];
  char line[sizeof text * JSON_EXPANSION + LOG_FRAME];
  uint64_t noted = log->dropped;
  int length = snprintf(text, sizeof text, "berth: %llu log lines were dropped here: %s\n", (unsigned long long)noted,
                        strerror(log->reason));
  int error = append(log, line, put_line(log, line, STREAM_STDERR, (unsigned char *)text, (size_t)length));
  log->dropped = error == 0 ? 0 : noted;
  return error;
}

static void flush(struct log *log) {
  if (log->used == 0) return;
  if (note_dropped(log) == 0) (void)append(log, log->buffer, log->used);
  else log->dropped += count_lines(log->buffer, log->used);
  log->used = 0;
}

static void rotate(struct log *log) {
  int fd = rotate_files(log->path, log->max_file);
  if (fd < 0) {
    log->rotate_at = log->size + log->max_size;
    return;
  }
  close(log->fd);
  log->fd = fd;
  log->size = 0;
  log->torn = false;
  log->rotate_at = log->max_size;
}

static void add_line(struct log *log, enum stream stream, const unsigned char *bytes, size_t length) {
  if (log->used + length * JSON_EXPANSION + LOG_FRAME > sizeof log->buffer) flush(log);
  if (log->rotate_at != 0 && log->size + (int64_t)log->used >= log->rotate_at) {
    flush(log);
    rotate(log);
  }
  log->used += put_line(log, log->buffer + log->used, stream, bytes, length);
}

/* Adds bytes that hold no newline, or one as their last byte, to the line that the stream is in. */
static void extend_line(struct log *log, enum stream stream, const unsigned char *bytes, size_t length) {
  struct log_line *line = &log->partial[stream - 1];
  while (length > 0) {
    size_t room = LOG_LINE - line->length;
    size_t part = length < room ? length : room;
    memcpy(line->bytes + line->length, bytes, part);
    line->length += part;
    bytes += part;
    length -= part;
    bool ended = line->bytes[line->length - 1] == '\n';
    if (!ended && line->length < LOG_LINE) return;
    size_t tail = ended ? 0 : utf8_cut_tail(line->bytes, line->length);
    add_line(log, stream, line->bytes, line->length - tail);
    memmove(line->bytes, line->bytes + line->length - tail, tail);
    line->length = tail;
  }
}

void log_write(struct log *log, enum stream stream, const unsigned char *bytes, size_t length) {
  if (log->fd < 0) return;
  for (const unsigned char *end = bytes + length; bytes < end;) {
    const unsigned char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
    size_t part = (size_t)((newline == NULL ? end : newline + 1) - bytes);
    if (newline != NULL && part <= LOG_LINE && log->partial[stream - 1].length == 0) add_line(log, stream, bytes, part);
    else extend_line(log, stream, bytes, part);
    bytes += part;
  }
  flush(log);
}

int log_open(struct log *log, const char *path, int64_t max_size, unsigned max_file) {
  log->fd = -1;
  if (path == NULL) return 0;
  int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0640);
  if (fd < 0) return -errno;
  struct stat status;
  if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    return -EINVAL;
  }
  char last = '\n';
  if (status.st_size > 0 && pread(fd, &last, 1, status.st_size - 1) != 1) last = '\n';
  log->fd = fd;
  log->path = path;
  log->size = status.st_size;
  log->torn = last != '\n';
  log->max_size = max_size;
  log->max_file = max_file;
  log->rotate_at = max_size;
  return 0;
}

void log_close(struct log *log) {
  if (log->fd < 0) return;
  for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++) {
    struct log_line *line = &log->partial[stream - 1];
    if (line->length > 0) add_line(log, stream, line->bytes, line->length);
    line->length = 0;
  }
  flush(log);
  (void)note_dropped(log);
  close(log->fd);
  log->fd = -1;
}
