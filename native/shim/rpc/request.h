#ifndef BERTH_RPC_REQUEST_H
#define BERTH_RPC_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a request frame holds; it points into the frame's payload. Metadata is passed over: nothing in the shim asks it. */
struct request {
  const char *service, *method; /* UTF-8, not ended by NUL */
  size_t service_size, method_size;
  const uint8_t *payload;
  size_t payload_size;
  int64_t timeout_nano;
};

bool request_decode(struct request *request, const uint8_t *bytes, size_t size);

#endif
