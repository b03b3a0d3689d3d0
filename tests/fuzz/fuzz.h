/* fuzz.h: what the fuzz targets share.
 *
 * A target is libFuzzer's LLVMFuzzerTestOneInput: it reads any bytes, must not crash, leak or
 * overflow (the sanitizers watch), and states with MUST what holds of every result. */
#ifndef NL_TESTS_FUZZ_H
#define NL_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional: called once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
