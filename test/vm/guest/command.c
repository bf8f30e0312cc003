#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STRINGS_MAX = 1024 };

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static size_t split(char *request, size_t size, char *strings[STRINGS_MAX]) {
  size_t count = 0;
  for (char *at = request; at < request + size && count < STRINGS_MAX - 1; at += strlen(at) + 1) strings[count++] = at;
  strings[count] = NULL;
  return count;
}

static _Noreturn void become(char **strings, size_t settings, int streams[3]) {
  setsid();
  for (int fd = 0; fd < 3; fd++) dup2(streams[fd], fd);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  for (size_t i = 0; i < settings; i++) putenv(strings[2 + i]);
  char **arguments = strings + 2 + settings;
  if (chdir(strings[0]) == 0) execvp(arguments[0], arguments);
  dprintf(2, "vm: cannot run %s in %s: %s\n", arguments[0], strings[0], strerror(errno));
  _exit(127);
}

int command_start(struct command *command, uint32_t id, char *request, size_t size) {
  char *strings[STRINGS_MAX];
  if (size == 0 || request[size - 1] != 0) return -EINVAL;
  size_t count = split(request, size, strings);
  size_t settings = count > 1 ? strtoul(strings[1], NULL, 10) : 0;
  if (count < 3 || settings > count - 3) return -EINVAL;
  int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
  for (int i = 0; i < 3; i++)
    if (pipe2(pipes[i], O_CLOEXEC) < 0) return -errno;
  int theirs[3] = {pipes[0][0], pipes[1][1], pipes[2][1]};
  int ours[3] = {pipes[0][1], pipes[1][0], pipes[2][0]};
  pid_t pid = fork();
  if (pid < 0) return -errno;
  if (pid == 0) become(strings, settings, theirs);
  for (int i = 0; i < 3; i++) {
    close(theirs[i]);
    fcntl(ours[i], F_SETFL, O_NONBLOCK);
  }
  memset(command, 0, offsetof(struct command, input));
  command->used = true;
  command->id = id;
  command->pid = pid;
  command->in = ours[0];
  command->out = ours[1];
  command->err = ours[2];
  return 0;
}

bool command_take_input(struct command *command, const uint8_t *bytes, size_t size, int port) {
  if (size == 0) close_fd(&command->in);
  if (command->in < 0) return frame_write(port, command->id, TAKEN, NULL, 0);
  memcpy(command->input, bytes, size);
  command->start = 0;
  command->end = size;
  return true;
}

void command_wants(const struct command *command, struct pollfd polled[3]) {
  bool has_input = command->start < command->end;
  polled[0] = (struct pollfd){.fd = has_input ? command->in : -1, .events = POLLOUT};
  polled[1] = (struct pollfd){.fd = command->out, .events = POLLIN};
  polled[2] = (struct pollfd){.fd = command->err, .events = POLLIN};
}

static bool give_input(struct command *command, int port) {
  ssize_t count = write(command->in, command->input + command->start, command->end - command->start);
  if (count < 0 && errno == EAGAIN) return true;
  if (count < 0) close_fd(&command->in);
  command->start = count < 0 ? command->end : command->start + (size_t)count;
  return command->start < command->end || frame_write(port, command->id, TAKEN, NULL, 0);
}

/* One read; *more says whether there may be another. */
static bool send_output(struct command *command, int *fd, enum frame_kind kind, int port, bool *more) {
  uint8_t bytes[FRAME_MAX];
  ssize_t count = *fd < 0 ? 0 : read(*fd, bytes, sizeof bytes);
  *more = count > 0;
  if (count > 0) return frame_write(port, command->id, kind, bytes, (size_t)count);
  if (count == 0 || errno != EAGAIN) close_fd(fd);
  return true;
}

bool command_serve(struct command *command, const struct pollfd polled[3], int port) {
  bool more;
  if (polled[0].revents != 0 && !give_input(command, port)) return false;
  if (polled[1].revents != 0 && !send_output(command, &command->out, STDOUT, port, &more)) return false;
  return polled[2].revents == 0 || send_output(command, &command->err, STDERR, port, &more);
}

bool command_finish(struct command *command, int port) {
  bool more = true;
  while (more)
    if (!send_output(command, &command->out, STDOUT, port, &more)) return false;
  for (more = true; more;)
    if (!send_output(command, &command->err, STDERR, port, &more)) return false;
  if (command->start < command->end && !frame_write(port, command->id, TAKEN, NULL, 0)) return false;
  close_fd(&command->in);
  close_fd(&command->out);
  close_fd(&command->err);
  command->used = false;
  uint32_t status = (uint32_t)command->status;
  return frame_write(port, command->id, ENDED, &status, sizeof status);
}
