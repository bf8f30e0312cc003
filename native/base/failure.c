#include "failure.h"

#include <stdarg.h>
#include <stdio.h>

bool fail(struct failure *failure, enum failure_code code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failure->code = code;
  (void)vsnprintf(failure->text, sizeof failure->text, format, arguments);
  va_end(arguments);
  return false;
}
