#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

/* Cuts half a UTF-8 character off the end of a message that vsnprintf cut short. */
static void trim_utf8(char *text) {
    size_t n = strlen(text);
    size_t back = 0;

    while (back < 3 && back < n && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back < n) {
        unsigned char lead = (unsigned char)text[n - 1 - back];
        size_t wanted = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
        if (wanted > back)
            text[n - 1 - back] = '\0';
    }
}

static void set_text(nl_err *err, nl_code code, const char *format, va_list args) {
    err->code = code;
    err->sqlstate[0] = '\0';
    if (vsnprintf(err->msg, sizeof err->msg, format, args) >= (int)sizeof err->msg)
        trim_utf8(err->msg);
}

bool nl_err_set(nl_err *err, nl_code code, const char *format, ...) {
    if (err) {
        va_list args;
        va_start(args, format);
        set_text(err, code, format, args);
        va_end(args);
    }
    return false;
}

bool nl_err_errno(nl_err *err, const char *format, ...) {
    int saved = errno;
    if (err) {
        va_list args;
        va_start(args, format);
        set_text(err, saved == ENOMEM ? NL_NOMEM : NL_IO, format, args);
        va_end(args);
        size_t n = strlen(err->msg);
        if (snprintf(err->msg + n, sizeof err->msg - n, ": %s", strerror(saved)) < 0)
            err->msg[n] = '\0';
    }
    errno = saved;
    return false;
}

bool nl_err_nomem(nl_err *err) {
    return nl_err_set(err, NL_NOMEM, "out of memory");
}

bool nl_err_prefix(nl_err *err, const char *format, ...) {
    if (err) {
        nl_err old = *err;
        va_list args;
        va_start(args, format);
        int n = vsnprintf(err->msg, sizeof err->msg, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof err->msg) {
            size_t room = sizeof err->msg - (size_t)n;
            if (snprintf(err->msg + n, room, "%s", old.msg) >= (int)room)
                trim_utf8(err->msg);
        }
    }
    return false;
}

const char *nl_code_name(nl_code code) {
    static const char *const names[] = {
        [NL_OK] = "ok",           [NL_NOMEM] = "nomem",
        [NL_INVALID] = "invalid", [NL_IO] = "io",
        [NL_CONFIG] = "config",   [NL_SCRIPT] = "script",
        [NL_DB] = "db",           [NL_NET] = "net",
        [NL_MODEL] = "model",     [NL_TIMEOUT] = "timeout",
        [NL_LIMIT] = "limit",     [NL_CANCELLED] = "cancelled",
        [NL_BUSY] = "busy",       [NL_NOTFOUND] = "not_found",
        [NL_BUDGET] = "budget",
    };
    return (unsigned)code < sizeof names / sizeof *names ? names[code] : "unknown";
}
