#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

static char empty[1];

void nl_buf_init(nl_buf *buf) {
    *buf = (nl_buf){ .data = empty };
}

void nl_buf_release(nl_buf *buf) {
    if (buf->room)
        free(buf->data);
    size_t limit = buf->limit;
    nl_buf_init(buf);
    buf->limit = limit;
}

void nl_buf_clear(nl_buf *buf) {
    buf->size = 0;
    buf->failed = false;
    if (buf->room)
        buf->data[0] = '\0';
}

bool nl_buf_reserve(nl_buf *buf, size_t more) {
    if (buf->failed || more > SIZE_MAX - buf->size - 1 ||
        (buf->limit && buf->size + more > buf->limit)) {
        buf->failed = true;
        return false;
    }
    size_t wanted = buf->size + more + 1;
    if (wanted <= buf->room)
        return true;
    size_t room = buf->room ? buf->room : 64;
    while (room < wanted)
        room = room > SIZE_MAX / 2 ? wanted : room * 2;
    char *data = realloc(buf->room ? buf->data : NULL, room);
    if (!data) {
        buf->failed = true;
        return false;
    }
    if (!buf->room)
        data[0] = '\0';
    buf->data = data;
    buf->room = room;
    return true;
}

bool nl_buf_add(nl_buf *buf, const void *bytes, size_t size) {
    if (size == 0)
        return !buf->failed;
    if (!nl_buf_reserve(buf, size))
        return false;
    memcpy(buf->data + buf->size, bytes, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
    return true;
}

bool nl_buf_str(nl_buf *buf, const char *text) {
    return nl_buf_add(buf, text, strlen(text));
}

bool nl_buf_char(nl_buf *buf, char c) {
    return nl_buf_add(buf, &c, 1);
}

bool nl_buf_vprintf(nl_buf *buf, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    bool ok = n >= 0 && nl_buf_reserve(buf, (size_t)n);
    if (ok) {
        (void)vsnprintf(buf->data + buf->size, (size_t)n + 1, format, again);
        buf->size += (size_t)n;
    }
    va_end(again);
    return ok;
}

bool nl_buf_printf(nl_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    bool ok = nl_buf_vprintf(buf, format, args);
    va_end(args);
    return ok;
}

char *nl_buf_detach(nl_buf *buf, size_t *size) {
    if (!nl_buf_reserve(buf, 0))
        return NULL;
    char *data = buf->data;
    if (size)
        *size = buf->size;
    size_t limit = buf->limit;
    nl_buf_init(buf);
    buf->limit = limit;
    return data;
}

bool nl_buf_read_file(nl_buf *buf, const char *path, size_t limit, nl_err *err) {
    bool ok = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        nl_err_errno(err, "cannot read %s", path);
        if (err && errno == ENOENT)
            err->code = NL_NOTFOUND;
        return false;
    }
    for (;;) {
        if (!nl_buf_reserve(buf, 65536)) {
            nl_err_nomem(err);
            goto out;
        }
        ssize_t n = read(fd, buf->data + buf->size, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            nl_err_errno(err, "cannot read %s", path);
            goto out;
        }
        if (n == 0)
            break;
        buf->size += (size_t)n;
        buf->data[buf->size] = '\0';
        if (limit && buf->size > limit) {
            nl_err_set(err, NL_LIMIT, "%s is larger than %zu bytes", path, limit);
            goto out;
        }
    }
    ok = true;
out:
    close(fd);
    return ok;
}
