/* Whether the kernel has nftables: asks it for its generation over netlink, which loads the module where it is one. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "addon.h"

struct question {
  struct nlmsghdr header;
  struct nfgenmsg family;
};

static void read_nothing(struct arguments *in, void *request) {
  (void)in;
  (void)request;
}

static int ask(int fd) {
  const struct timeval patience = {.tv_sec = 2};
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct question question = {
      .header = {.nlmsg_len = sizeof question,
                 .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
                 .nlmsg_flags = NLM_F_REQUEST},
      .family = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0},
  };
  union {
    struct nlmsghdr header;
    unsigned char bytes[4096];
  } answer;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) return -errno;
  if (sendto(fd, &question, sizeof question, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0) return -errno;
  ssize_t length = recv(fd, &answer, sizeof answer, 0);
  if (length < 0) return -errno;
  if (!NLMSG_OK(&answer.header, (size_t)length)) return -EPROTO;
  if (answer.header.nlmsg_type != NLMSG_ERROR) return 0;
  const struct nlmsgerr *error = NLMSG_DATA(&answer.header);
  return error->error;
}

static int run_probe(void *request) {
  (void)request;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return -errno;
  int result = ask(fd);
  close(fd);
  return result;
}

const struct operation netfilter_operations[] = {
    {"probeNftables", ASYNC, sizeof(int), read_nothing, run_probe, NULL},
    {0},
};
