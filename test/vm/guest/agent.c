/*
 * The guest's end of the lab: runs what the host asks for over a virtio-serial port, several commands at a time. It is
 * PID 1, or a service of systemd; when the host is gone, so is the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

enum { COMMANDS_MAX = 32 };

/* Of virtio_console's ports there is just this one. */
static const char port_path[] = "/dev/vport0p1";

struct agent {
  int port, signals;
  struct command commands[COMMANDS_MAX];
  uint8_t payload[FRAME_MAX];
};

static struct command *command_of(struct agent *agent, uint32_t id) {
  for (int i = 0; i < COMMANDS_MAX; i++)
    if (agent->commands[i].used && agent->commands[i].id == id) return &agent->commands[i];
  return NULL;
}

static bool refuse(struct agent *agent, uint32_t id, const char *why) {
  uint32_t status = 126;
  return frame_write(agent->port, id, STDERR, why, strlen(why)) &&
         frame_write(agent->port, id, ENDED, &status, sizeof status);
}

static bool run(struct agent *agent, const struct frame *frame) {
  struct command *free_one = NULL;
  for (int i = 0; i < COMMANDS_MAX && free_one == NULL; i++)
    if (!agent->commands[i].used) free_one = &agent->commands[i];
  if (free_one == NULL) return refuse(agent, frame->command, "vm: too many commands at once\n");
  int failure = command_start(free_one, frame->command, (char *)agent->payload, frame->size);
  return failure == 0 || refuse(agent, frame->command, "vm: cannot start the command\n");
}

static bool obey(struct agent *agent) {
  struct frame frame;
  if (!frame_read(agent->port, &frame, agent->payload)) return false;
  if (frame.kind == RUN) return run(agent, &frame);
  struct command *command = command_of(agent, frame.command);
  if (command == NULL) return true;
  if (frame.kind == INPUT) return command_take_input(command, agent->payload, frame.size, agent->port);
  if (frame.kind == KILL) kill(-command->pid, SIGKILL);
  return true;
}

static bool reap(struct agent *agent) {
  struct signalfd_siginfo info;
  while (read(agent->signals, &info, sizeof info) > 0) continue;
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    for (int i = 0; i < COMMANDS_MAX; i++) {
      struct command *command = &agent->commands[i];
      if (!command->used || command->pid != pid) continue;
      command->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      if (!command_finish(command, agent->port)) return false;
    }
  return true;
}

static bool turn(struct agent *agent) {
  struct pollfd polled[2 + 3 * COMMANDS_MAX] = {{.fd = agent->port, .events = POLLIN},
                                                {.fd = agent->signals, .events = POLLIN}};
  for (int i = 0; i < COMMANDS_MAX; i++) {
    for (int j = 0; j < 3; j++) polled[2 + 3 * i + j].fd = -1;
    if (agent->commands[i].used) command_wants(&agent->commands[i], &polled[2 + 3 * i]);
  }
  if (poll(polled, sizeof polled / sizeof *polled, -1) < 0) return errno == EINTR;
  for (int i = 0; i < COMMANDS_MAX; i++)
    if (agent->commands[i].used && !command_serve(&agent->commands[i], &polled[2 + 3 * i], agent->port)) return false;
  if (polled[1].revents != 0 && !reap(agent)) return false;
  return polled[0].revents == 0 || obey(agent);
}

static bool open_agent(struct agent *agent) {
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_SETMASK, &ended, NULL);
  signal(SIGPIPE, SIG_IGN);
  agent->signals = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
  agent->port = open(port_path, O_RDWR | O_CLOEXEC);
  return agent->signals >= 0 && agent->port >= 0;
}

int main(void) {
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  setenv("HOME", "/root", 1);
  setenv("LC_ALL", "C.UTF-8", 1);
  struct agent *agent = calloc(1, sizeof *agent);
  if (agent != NULL && open_agent(agent) && frame_write(agent->port, 0, READY, NULL, 0))
    while (turn(agent)) continue;
  dprintf(2, "vm: the agent ends: %s\n", strerror(errno));
  reboot(RB_POWER_OFF);
  return 1;
}
