#include "exit-file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write-file.h"
#include "report.h"
#include "shim/runtime/json.h"

enum { RECORD_MOST = 4096 };

static void path_of(const struct process *process, char path[PATH_MAX]) {
  const char *name = process_is_init(process) ? "init" : process->id;
  (void)snprintf(path, PATH_MAX, "%s/exit/%s", process->container->bundle, name);
}

void exit_file_write(const struct process *process) {
  char path[PATH_MAX], record[160], second[32];
  struct tm parts;
  (void)snprintf(path, sizeof path, "%s/exit", process->container->bundle);
  (void)mkdir(path, 0700);
  path_of(process, path);
  (void)gmtime_r(&process->exited_at.tv_sec, &parts);
  (void)strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts);
  int length = snprintf(record, sizeof record, "{\"pid\":%d,\"status\":%d,\"at\":\"%s.%09ldZ\"}\n", process->pid, process->status,
                        second, process->exited_at.tv_nsec);
  int error = write_file(path, record, (size_t)length, 0600);
  if (error < 0) report("Cannot write \"%s\": %s", path, strerror(-error));
}

void exit_file_remove(const struct process *process) {
  char path[PATH_MAX];
  path_of(process, path);
  (void)unlink(path);
}

/* A number of at most nine digits. */
static unsigned long number_of(const struct json_value *value) {
  char digits[16];
  if (value->kind != JSON_NUMBER || value->length >= 10) return 0;
  memcpy(digits, value->text, value->length);
  digits[value->length] = '\0';
  return strtoul(digits, NULL, 10);
}

static void read_time(const struct json_value *value, struct timespec *at) {
  char text[40], *rest;
  struct tm parts = { 0 };
  if (value->kind != JSON_STRING || value->length >= sizeof text) return;
  memcpy(text, value->text, value->length);
  text[value->length] = '\0';
  if ((rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts)) == NULL || *rest != '.') return;
  *at = (struct timespec){ .tv_sec = timegm(&parts), .tv_nsec = strtol(rest + 1, NULL, 10) };
}

static void visit(struct json *json, const struct json_value *value) {
  struct exit_record *record = json->context;
  if (json_at(json, 1, "pid")) record->pid = (pid_t)number_of(value);
  if (json_at(json, 1, "status")) record->status = (unsigned)number_of(value);
  if (json_at(json, 1, "at")) read_time(value, &record->at);
}

bool exit_file_read(const char *bundle, struct exit_record *record) {
  char path[PATH_MAX];
  struct failure failure;
  *record = (struct exit_record){ 0 };
  struct json json = { .visit = visit, .context = record };
  (void)snprintf(path, sizeof path, "%s/exit/init", bundle);
  return json_read_file(&json, path, 0, RECORD_MOST, &failure) && record->at.tv_sec != 0;
}
