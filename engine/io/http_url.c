/* http_url.c: where a URL leads, and which headers say what. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/http_priv.h"

#include "base/banned.h"

static bool take_part(CURLU *url, CURLUPart part, unsigned flags, char *into, size_t room,
                      bool may_be_cut) {
    char *text = NULL;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
        return false;
    size_t n = strlen(text);
    bool fits = n < room;
    if (!fits)
        n = room - 1;
    memcpy(into, text, n);
    into[n] = '\0';
    curl_free(text);
    return fits || may_be_cut;
}

static bool has_part(CURLU *url, CURLUPart part) {
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

/* Lower case, and without the brackets of an IPv6 address. */
static void tidy_host(char *host) {
    size_t n = strlen(host);
    if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = '\0';
    }
    for (char *c = host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

bool nl_http_target(const char *text, struct nl_http_target *target, nl_err *err) {
    CURLU *url = curl_url();
    bool ok = false;

    if (!url)
        return nl_err_nomem(err);
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
    if (code == CURLUE_OUT_OF_MEMORY) {
        nl_err_nomem(err);
    } else if (code != CURLUE_OK) { /* not repeated here: it may hold a password */
        nl_err_set(err, NL_INVALID, "this is no http or https URL: %s", curl_url_strerror(code));
    } else if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
        nl_err_set(err, NL_INVALID, "a URL must not hold a user name or password");
    } else if (!take_part(url, CURLUPART_SCHEME, 0, target->scheme, sizeof target->scheme, false) ||
               (strcmp(target->scheme, "http") != 0 && strcmp(target->scheme, "https") != 0)) {
        nl_err_set(err, NL_INVALID, "only http and https URLs can be requested");
    } else if (!take_part(url, CURLUPART_HOST, 0, target->host, sizeof target->host, false) ||
               !take_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, target->port,
                          sizeof target->port, false) ||
               !take_part(url, CURLUPART_PATH, 0, target->path, sizeof target->path, true)) {
        nl_err_set(err, NL_INVALID, "the URL has no host, or one that is too long");
    } else {
        tidy_host(target->host);
        ok = true;
    }
    curl_url_cleanup(url);
    return ok;
}

bool nl_http_target_is_loopback(const struct nl_http_target *target) {
    unsigned char bytes[16];
    static const unsigned char one[16] = { [15] = 1 };
    if (strcmp(target->host, "localhost") == 0) /* libcurl never asks a resolver for it */
        return true;
    if (inet_pton(AF_INET, target->host, bytes) == 1)
        return bytes[0] == 127;
    return inet_pton(AF_INET6, target->host, bytes) == 1 && memcmp(bytes, one, sizeof one) == 0;
}

bool nl_http_target_is_under(const struct nl_http_target *target,
                             const struct nl_http_target *base) {
    size_t n = strlen(base->path);
    if (strcmp(target->scheme, base->scheme) != 0 || strcmp(target->host, base->host) != 0 ||
        strcmp(target->port, base->port) != 0)
        return false;
    while (n > 0 && base->path[n - 1] == '/')
        n--;
    return strncmp(target->path, base->path, n) == 0 &&
           (target->path[n] == '\0' || target->path[n] == '/');
}

bool nl_http_is_loopback(const char *url) {
    struct nl_http_target target;
    return nl_http_target(url, &target, NULL) && nl_http_target_is_loopback(&target);
}

bool nl_http_header(const nl_http_reply *reply, const char *name, char *value, size_t room) {
    size_t n = strlen(name);
    const char *line = reply->headers.data;

    while (line && *line) {
        const char *end = strchr(line, '\n');
        if (!end)
            return false;
        if (strncmp(line, name, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " \t");
            size_t size = end > line ? (size_t)(end - line) : 0;
            if (size >= room)
                return false;
            memcpy(value, line, size);
            value[size] = '\0';
            return true;
        }
        line = end + 1;
    }
    return false;
}

double nl_http_retry_after(const nl_http_reply *reply, long long now) {
    char value[64], *end = NULL;
    if (!nl_http_header(reply, "retry-after", value, sizeof value))
        return -1;
    if (isdigit((unsigned char)value[0])) {
        double seconds = strtod(value, &end);
        if (*end == '\0' && seconds < 1e9)
            return seconds;
    }
    time_t then = curl_getdate(value, NULL);
    if (then == -1)
        return -1;
    return then > now ? (double)(then - now) : 0;
}
