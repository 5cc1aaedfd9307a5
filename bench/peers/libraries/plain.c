// SPDX-License-Identifier: MIT
// What needs no library: norms in plain C, copies of the same bytes, and the loop that times any function in C.
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define EPS 1e-5f

typedef struct {
    uint16_t bits;
} bf16;

static inline float of_bf16(bf16 value) {
    const uint32_t bits = (uint32_t)value.bits << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

// To nearest even; of NaNs it knows nothing.
static inline bf16 to_bf16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bf16){(uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

#define NAME(function) function##_f32
#define ELEMENT float
#define LOAD(value) (value)
#define STORE(value) (value)
#include "plain.h"
#undef NAME
#undef ELEMENT
#undef LOAD
#undef STORE

#define NAME(function) function##_bf16
#define ELEMENT bf16
#define LOAD(value) of_bf16(value)
#define STORE(value) to_bf16(value)
#include "plain.h"

// `bytes` are read, and as many written.
void copy(int64_t bytes, const void *x, const void *unused, void *y) {
    (void)unused;
    memcpy(y, x, (size_t)bytes);
}

void copy_streaming(int64_t bytes, const __m128i *x, const void *unused, __m128i *y) {
    (void)unused;
    for (int64_t i = 0; i < bytes / 16; i++) {
        _mm_stream_si128(y + i, x[i]);
    }
    _mm_sfence();
}

// `bytes` of x and of dy are read, and as many of dx written.
void triad(int64_t bytes, const int32_t *restrict x, const int32_t *restrict dy, int32_t *restrict dx) {
    for (int64_t i = 0; i < bytes / 4; i++) {
        dx[i] = x[i] + dy[i];
    }
}

void triad_streaming(int64_t bytes, const __m128i *x, const __m128i *dy, __m128i *dx) {
    for (int64_t i = 0; i < bytes / 16; i++) {
        _mm_stream_si128(dx + i, _mm_add_epi32(x[i], dy[i]));
    }
    _mm_sfence();
}

// Nanoseconds of `calls` calls of a function of up to six integers and pointers, each followed by one that waits for
// it.
typedef int64_t word;
double nanoseconds(word (*function)(word, word, word, word, word, word), const word *arguments, word (*then)(word),
                   word then_argument, int64_t calls) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int64_t call = 0; call < calls; call++) {
        function(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
        if (then != NULL) {
            then(then_argument);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    return 1e9 * (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec);
}
