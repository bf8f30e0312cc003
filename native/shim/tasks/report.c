#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void report(const char *format, ...) {
  char line[2304] = "containerd-shim-berth-v1: ";
  size_t begin = sizeof "containerd-shim-berth-v1: " - 1;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line + begin, sizeof line - begin - 1, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  size_t end = begin + ((size_t)length < sizeof line - begin - 1 ? (size_t)length : sizeof line - begin - 2);
  line[end] = '\n';
  ssize_t written = write(STDERR_FILENO, line, end + 1);
  (void)written;
}
