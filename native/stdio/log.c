#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* What of a line must have come before CRI's writer knows that it goes on: one byte, unless that begins a \r\n. */
enum { CRI_AHEAD = 2 };
_Static_assert(LOG_LINE + CRI_AHEAD <= LOG_PARTIAL, "a line fits");

static unsigned char *partial_of(const struct log *log, enum stream stream) {
  return (unsigned char *)log->pages + (stream - 1) * LOG_PARTIAL;
}

static char *buffer_of(const struct log *log) { return log->pages + 2 * LOG_PARTIAL; }

static void flush(struct log *log) {
  if (log->used > 0) log_file_append(&log->file, buffer_of(log), log->used);
  log->used = 0;
}

static void add_record(struct log *log, enum stream stream, bool is_part, const unsigned char *bytes, size_t length) {
  if (log->used + format_room(log->file.format, length) > LOG_BUFFER) flush(log);
  if (log_file_is_full(&log->file, log->used)) {
    flush(log);
    log_file_rotate(&log->file);
  }
  char *to = buffer_of(log) + log->used;
  log->used += format_record(log->file.format, to, &log->stamp, stream, is_part, bytes, length);
}

/* A whole line for CRI: without its \n or \r\n, and in two when those are what made it fit. */
static void add_cri_line(struct log *log, enum stream stream, const unsigned char *bytes, size_t length) {
  length--;
  if (length > 0 && bytes[length - 1] == '\r') length--;
  size_t first = length > LOG_LINE ? LOG_LINE : length;
  if (first < length) add_record(log, stream, true, bytes, first);
  add_record(log, stream, false, bytes + (first < length ? first : 0), first < length ? length - first : length);
}

/* The most of a line that is looked at at once. */
static size_t line_limit(const struct log *log) {
  return log->file.format == LOG_JSON ? LOG_LINE : LOG_LINE + CRI_AHEAD;
}

/* A line of at most line_limit() bytes that ends with a newline. */
static void add_line(struct log *log, enum stream stream, const unsigned char *bytes, size_t length) {
  if (log->file.format == LOG_CRI) add_cri_line(log, stream, bytes, length);
  else add_record(log, stream, false, bytes, length);
}

/* The first part of a line that is too long; what is not written of it, at most three bytes, begins the next part. */
static void add_part(struct log *log, enum stream stream, unsigned char *bytes, size_t length) {
  size_t tail = log->file.format == LOG_JSON ? utf8_cut_tail(bytes, length) : CRI_AHEAD;
  add_record(log, stream, true, bytes, length - tail);
  memmove(bytes, bytes + length - tail, tail);
  log->partial[stream - 1] = tail;
}

/* Adds bytes that hold no newline, or one as their last byte, to the line that the stream is in. */
static void extend_line(struct log *log, enum stream stream, const unsigned char *bytes, size_t length) {
  unsigned char *line = partial_of(log, stream);
  size_t *have = &log->partial[stream - 1];
  while (length > 0) {
    size_t room = line_limit(log) - *have;
    size_t part = length < room ? length : room;
    memcpy(line + *have, bytes, part);
    *have += part;
    bytes += part;
    length -= part;
    if (line[*have - 1] == '\n') {
      add_line(log, stream, line, *have);
      *have = 0;
    } else if (*have == line_limit(log)) {
      add_part(log, stream, line, *have);
    }
  }
}

void log_write(struct log *log, enum stream stream, const unsigned char *bytes, size_t length) {
  if (log->file.fd < 0) return;
  stamp_now(&log->stamp);
  for (const unsigned char *end = bytes + length; bytes < end;) {
    const unsigned char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
    size_t part = (size_t)((newline == NULL ? end : newline + 1) - bytes);
    bool is_whole = newline != NULL && part <= line_limit(log) && log->partial[stream - 1] == 0;
    if (is_whole) add_line(log, stream, bytes, part);
    else extend_line(log, stream, bytes, part);
    bytes += part;
  }
  flush(log);
}

int log_open(struct log *log, const struct log_options *options) {
  *log = (struct log){ .file.fd = -1 };
  if (options->path == NULL) return 0;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *pages = mmap(NULL, LOG_PAGES, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (pages == MAP_FAILED) return -errno;
  log->pages = pages;
  log->file.format = options->format;
  log->file.max_size = options->max_size;
  log->file.max_file = options->max_file;
  int error = log_file_open(&log->file, options->path);
  if (error != 0) log_close(log);
  return error;
}

int log_reopen(struct log *log) { return log->file.fd < 0 ? -ENOENT : log_file_reopen(&log->file); }

void log_rest(struct log *log) {
  if (log->pages == NULL) return;
  (void)madvise(buffer_of(log), LOG_BUFFER, MADV_DONTNEED);
  for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++)
    if (log->partial[stream - 1] == 0) (void)madvise(partial_of(log, stream), LOG_PARTIAL, MADV_DONTNEED);
}

/* What comes without a newline at the very end: for CRI a part, as containerd writes it. */
static void add_rest(struct log *log, enum stream stream) {
  size_t length = log->partial[stream - 1];
  const unsigned char *bytes = partial_of(log, stream);
  if (length == 0) return;
  size_t first = length > LOG_LINE ? LOG_LINE : length;
  add_record(log, stream, true, bytes, first);
  if (first < length) add_record(log, stream, true, bytes + first, length - first);
}

void log_close(struct log *log) {
  if (log->file.fd >= 0) {
    stamp_now(&log->stamp);
    for (enum stream stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++) add_rest(log, stream);
    flush(log);
  }
  log_file_close(&log->file);
  if (log->pages != NULL) munmap(log->pages, LOG_PAGES);
  *log = (struct log){ .file.fd = -1 };
}
