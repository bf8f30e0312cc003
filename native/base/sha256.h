#ifndef BERTH_SHA256_H
#define BERTH_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* FIPS 180-4, of a short text at once. */
void sha256(const void *bytes, size_t length, uint8_t digest[32]);

#endif
