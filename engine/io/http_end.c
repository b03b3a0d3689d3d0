/* http_end.c: what the end of a call means, in sentences. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "io/http_priv.h"

#include "base/banned.h"

/* "connection refused", as it reads inside a sentence. */
static void say_why(const nl_http_call *call, char *why, size_t room) {
    long number = 0;
    curl_easy_getinfo(call->slot->easy, CURLINFO_OS_ERRNO, &number);
    const char *text = number ? strerror((int)number) : call->slot->text;
    (void)snprintf(why, room, "%s", text[0] ? text : "no reason was given");
    if (number)
        why[0] = (char)tolower((unsigned char)why[0]);
}

static void set_stop_err(const nl_http_call *call, const char *where, nl_err *err) {
    switch (call->stop) {
    case NL_HTTP_CONNECT:
        nl_err_set(err, NL_TIMEOUT, "cannot connect to %s within %g s", where,
                   call->connect_ms / 1e3);
        break;
    case NL_HTTP_IDLE:
        nl_err_set(err, NL_TIMEOUT, "%s has been silent for %g s", where, call->idle_ms / 1e3);
        break;
    case NL_HTTP_TOTAL:
        nl_err_set(err, NL_TIMEOUT, "%s has not finished its reply within %g s", where,
                   call->total_ms / 1e3);
        break;
    default:
        if (call->reply.body.size >= call->max_reply)
            nl_err_set(err, NL_LIMIT, "the reply of %s is larger than %zu bytes", where,
                       call->max_reply);
        else
            nl_err_set(err, NL_LIMIT, "the headers of %s's reply are larger than %d bytes", where,
                       (int)NL_HTTP_MAX_HEADERS);
        break;
    }
}

static void set_curl_err(const nl_http_call *call, CURLcode result, const char *where,
                         nl_err *err) {
    char why[CURL_ERROR_SIZE];
    say_why(call, why, sizeof why);
    switch (result) {
    case CURLE_OUT_OF_MEMORY:
        nl_err_nomem(err);
        break;
    case CURLE_WRITE_ERROR: /* our own callbacks, where memory ran out */
        nl_err_nomem(err);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        nl_err_set(err, NL_NET, "cannot find %s: %s", where, call->slot->text);
        break;
    case CURLE_COULDNT_CONNECT:
        nl_err_set(err, NL_NET, "cannot connect to %s: %s", where, why);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        nl_err_set(err, NL_TIMEOUT, "%s took too long: %s", where, call->slot->text);
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
        nl_err_set(err, NL_NET, "cannot make a secure connection to %s: %s", where,
                   call->slot->text);
        break;
    case CURLE_ABORTED_BY_CALLBACK: /* see on_connected */
    case CURLE_GOT_NOTHING:
        nl_err_set(err, NL_NET, "%s closed the connection without a reply", where);
        break;
    case CURLE_PARTIAL_FILE:
        nl_err_set(err, NL_NET, "%s closed the connection in the middle of its reply", where);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
        nl_err_set(err, NL_NET, "what %s answered is not HTTP: %s", where, call->slot->text);
        break;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        nl_err_set(err, NL_NET, "the connection to %s broke: %s", where, why);
        break;
    default:
        nl_err_set(err, NL_NET, "the request to %s failed: %s", where,
                   call->slot->text[0] ? call->slot->text : curl_easy_strerror(result));
        break;
    }
}

/* Endpoints that repeat the key in an error message must not carry it into a store. */
static void take_out_key(const char *key, nl_buf *buf) {
    size_t n = strlen(key), out = 0;
    if (n < 4 || !buf->room || !memmem(buf->data, buf->size, key, n))
        return;
    for (size_t i = 0; i < buf->size;) {
        if (buf->size - i >= n && memcmp(buf->data + i, key, n) == 0) {
            memcpy(buf->data + out, "***", 3);
            out += 3;
            i += n;
        } else {
            buf->data[out++] = buf->data[i++];
        }
    }
    buf->size = out;
    buf->data[out] = '\0';
}

void nl_http_call_conclude(nl_http_call *call, CURLcode result) {
    nl_http_reply *reply = &call->reply;
    struct nl_http_target target;
    double seconds = 0;
    char where[sizeof target.host + sizeof target.port + 4];

    reply->seconds = (double)(nl_loop_now(call->http->loop) - call->started) / 1e3;
    curl_easy_getinfo(call->slot->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    if (curl_easy_getinfo(call->slot->easy, CURLINFO_TOTAL_TIME, &seconds) == CURLE_OK &&
        seconds > reply->seconds) /* the loop's clock stands still during a turn */
        reply->seconds = seconds;
    if (call->key) {
        take_out_key(call->key->key, &reply->headers);
        take_out_key(call->key->key, &reply->body);
    }
    if (result == CURLE_OK && call->stop == NL_HTTP_NONE)
        return;
    if (!nl_http_target(call->url, &target, NULL)) /* it was read before: memory ran out */
        (void)snprintf(target.host, sizeof target.host, "the endpoint");
    bool v6 = strchr(target.host, ':') != NULL;
    (void)snprintf(where, sizeof where, "%s%s%s:%s", v6 ? "[" : "", target.host, v6 ? "]" : "",
                   target.port);
    if (call->stop != NL_HTTP_NONE)
        set_stop_err(call, where, &reply->err);
    else
        set_curl_err(call, result, where, &reply->err);
}
