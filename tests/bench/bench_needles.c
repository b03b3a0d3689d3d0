/* 100,000 protected values looked for in prompts of 50 kB: the set, beside memmem for each value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/needles.h"

enum { VALUES = 100000, TEXT = 50000, ROUNDS = 400, NAIVE_VALUES = 2000 };

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned next_random(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void word(unsigned *seed, char *out, size_t size) {
    for (size_t i = 0; i < size; i++)
        out[i] = "etaoinshrdlucmfwypvbgk"[next_random(seed) % (i % 2 ? 8 : 22)];
}

/* Names, e-mail addresses, telephone numbers, addresses of pages, in turn. */
static int value(unsigned *seed, int i, char *out, size_t room) {
    char a[8] = "", b[8] = "";
    word(seed, a, 6);
    word(seed, b, 6);
    unsigned n = next_random(seed) % 1000000;
    switch (i % 4) {
    case 0:
        return snprintf(out, room, "%s %s", a, b);
    case 1:
        return snprintf(out, room, "%s.%s@example.org", a, b);
    case 2:
        return snprintf(out, room, "+49 30 %06u", n);
    default:
        return snprintf(out, room, "https://www.example.org/people/%s/%06u", a, n);
    }
}

int main(void) {
    static char values[VALUES][64];
    static char text[TEXT + 1];
    unsigned seed = 1;
    nl_needles *set = nl_needles_new();
    bool kept;
    nl_needle_hit hit;
    double from = seconds();
    for (int i = 0; i < VALUES; i++) {
        (void)value(&seed, i, values[i], sizeof values[i]);
        if (!set || !nl_needles_add(set, values[i], strlen(values[i]), &kept, NULL))
            return 1;
    }
    printf("adding %d values: %.0f ms\n", VALUES, (seconds() - from) * 1e3);
    for (size_t i = 0; i < TEXT; i += 7) { /* words like those of the values: near misses abound */
        size_t left = TEXT - i < 6 ? TEXT - i : 6;
        word(&seed, text + i, left);
        if (i + 6 < TEXT)
            text[i + 6] = ' ';
    }
    from = seconds();
    for (int i = 0; i < ROUNDS; i++) {
        if (!nl_needles_find(set, text, TEXT, &hit, NULL) || hit.value)
            return 1;
    }
    double ours = (seconds() - from) / ROUNDS;
    from = seconds();
    size_t found = 0;
    for (int i = 0; i < NAIVE_VALUES; i++)
        found += memmem(text, TEXT, values[i], strlen(values[i])) != NULL;
    double naive = (seconds() - from) / NAIVE_VALUES * VALUES;
    printf("one prompt of 50 kB: %.0f us, %.0f MB/s; memmem for each value: %.0f ms, %.0f times "
           "(%zu)\n",
           ours * 1e6, TEXT / ours / 1e6, naive * 1e3, naive / ours, found);
    nl_needles_free(set);
    return 0;
}
