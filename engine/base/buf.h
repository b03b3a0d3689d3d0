/* buf.h: a growable byte buffer.
 *
 * `data` is always a NUL-terminated string of `size` bytes (embedded NULs allowed), also right
 * after nl_buf_init, when it points to a static empty string. Memory running out is sticky:
 * the appending call returns false, `failed` stays set, and what was there before is kept, so
 * a writer may append many times and look once at the end. The most a buffer may hold is
 * `limit` (0: no limit); going past it fails in the same way. */
#ifndef NL_BASE_BUF_H
#define NL_BASE_BUF_H

#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *data;
    size_t size;
    size_t room; /* allocated, the NUL's byte included; 0 while nothing is */
    size_t limit;
    bool failed;
} nl_buf;

void nl_buf_init(nl_buf *buf);
void nl_buf_release(nl_buf *buf); /* frees the bytes; the buffer is empty and usable again */
void nl_buf_clear(nl_buf *buf);   /* size 0, failed off, memory kept */

/* Makes room for `more` further bytes. */
bool nl_buf_reserve(nl_buf *buf, size_t more);

bool nl_buf_add(nl_buf *buf, const void *bytes, size_t size);
bool nl_buf_str(nl_buf *buf, const char *text);
bool nl_buf_char(nl_buf *buf, char c);
bool nl_buf_printf(nl_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool nl_buf_vprintf(nl_buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Hands the bytes to the caller, who frees them with free(); the buffer is empty again.
 * NULL where memory ran out (for an empty buffer one byte is allocated). */
char *nl_buf_detach(nl_buf *buf, size_t *size);

/* Reads a whole file, at most `limit` bytes of it (0: no limit). Defined beside the buffer
 * because everything that reads files wants one. */
bool nl_buf_read_file(nl_buf *buf, const char *path, size_t limit, nl_err *err);

#endif
