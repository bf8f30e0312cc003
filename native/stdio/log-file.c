#include "log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "rotate.h"

static uint64_t count_records(const char *bytes, size_t length) {
  uint64_t records = 0;
  for (const char *end = bytes + length; bytes < end; records++) {
    const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
    if (newline == NULL) break;
    bytes = newline + 1;
  }
  return records;
}

/* Cuts the file back to whole records after a write that stopped in the middle of one; returns the bytes that stay. */
static size_t keep_whole(struct log_file *file, const char *bytes, size_t written) {
  const char *newline = memrchr(bytes, '\n', written);
  size_t whole = newline == NULL ? 0 : (size_t)(newline - bytes) + 1;
  if (whole < written && ftruncate(file->fd, file->size + (int64_t)whole) < 0) {
    file->size += (int64_t)written;
    file->torn = true;
  } else {
    file->size += (int64_t)whole;
  }
  return whole;
}

/* Appends whole records; those that could not be written are counted as dropped. */
static int append(struct log_file *file, const char *bytes, size_t length) {
  if (file->torn && write(file->fd, "\n", 1) == 1) {
    file->torn = false;
    file->size++;
  }
  size_t written = 0;
  while (written < length) {
    ssize_t count = write(file->fd, bytes + written, length - written);
    if (count > 0) written += (size_t)count;
    else if (count == 0 || errno != EINTR) break;
  }
  if (written == length) {
    file->size += (int64_t)length;
    return 0;
  }
  file->reason = errno;
  size_t whole = keep_whole(file, bytes, written);
  file->dropped += count_records(bytes + whole, length - whole);
  return -file->reason;
}

static int note_dropped(struct log_file *file) {
  if (file->dropped == 0) return 0;
  char text[256];
  char record[sizeof text * JSON_EXPANSION + LOG_FRAME];
  uint64_t noted = file->dropped;
  struct stamp stamp = { .length = 0 };
  stamp_now(&stamp);
  int length = snprintf(text, sizeof text, "berth: %llu log lines were dropped here: %s%s", (unsigned long long)noted,
                        strerror(file->reason), file->format == LOG_JSON ? "\n" : "");
  size_t size =
      format_record(file->format, record, &stamp, STREAM_STDERR, false, (unsigned char *)text, (size_t)length);
  int error = append(file, record, size);
  file->dropped = error == 0 ? 0 : noted;
  return error;
}

void log_file_append(struct log_file *file, const char *bytes, size_t length) {
  if (note_dropped(file) == 0) (void)append(file, bytes, length);
  else file->dropped += count_records(bytes, length);
}

bool log_file_is_full(const struct log_file *file, size_t pending) {
  return file->rotate_at != 0 && file->size + (int64_t)pending >= file->rotate_at;
}

static bool ends_inside_record(int fd, int64_t size) {
  char last = '\n';
  return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static void take(struct log_file *file, int fd, int64_t size) {
  if (file->fd >= 0) close(file->fd);
  file->fd = fd;
  file->size = size;
  file->torn = ends_inside_record(fd, size);
  file->rotate_at = file->max_size;
}

void log_file_rotate(struct log_file *file) {
  int fd = rotate_files(file->path, file->max_file);
  if (fd < 0) file->rotate_at = file->size + file->max_size;
  else take(file, fd, 0);
}

int log_file_reopen(struct log_file *file) {
  int fd = open(file->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);
  if (fd < 0) return -errno;
  struct stat status;
  if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    return -EINVAL;
  }
  take(file, fd, status.st_size);
  return 0;
}

int log_file_open(struct log_file *file, const char *path) {
  file->fd = -1;
  file->path = strdup(path);
  return file->path == NULL ? -ENOMEM : log_file_reopen(file);
}

void log_file_close(struct log_file *file) {
  if (file->fd >= 0) {
    (void)note_dropped(file);
    close(file->fd);
  }
  free(file->path);
  *file = (struct log_file){ .fd = -1 };
}
