/* limits.h: an endpoint that says "slow down": too many at once, or too many a minute. */
#ifndef NL_TESTS_FAKE_LIMITS_H
#define NL_TESTS_FAKE_LIMITS_H

#include <microhttpd.h>
#include <stdio.h>

#include "options.h"
#include "reply.h"

static struct {
    double level; /* requests that may come at once */
    uint64_t at;
    bool known;
} bucket;

/* Takes a request out of the bucket of --rate and --burst. False: there is none left. */
static bool take_from_bucket(uint64_t now) {
    double per_ms = (double)options.rate / 60000;
    if (!bucket.known)
        bucket.level = (double)options.burst;
    else
        bucket.level += (double)(now - bucket.at) * per_ms;
    bucket.known = true;
    bucket.at = now;
    if (bucket.level > (double)options.burst)
        bucket.level = (double)options.burst;
    if (bucket.level < 1)
        return false;
    bucket.level -= 1;
    return true;
}

/* True where the request is refused for its pace, with OpenAI's words. */
static bool too_fast(struct reply *reply, uint64_t now, size_t in_flight) {
    bool crowded = options.max_in_flight > 0 && in_flight > (size_t)options.max_in_flight;
    bool late = options.rate > 0 && !take_from_bucket(now);
    if (!crowded && !late)
        return false;
    reply->slowed = true;
    put_error(reply, 429, "requests", NULL, "rate_limit_exceeded",
              late ? "Rate limit reached for fake in organization org-1 on requests per min (RPM): "
                     "Limit 600, Used 600, Requested 1. Please try again in 100ms."
                   : "Too many requests at once.");
    return true;
}

/* What OpenAI says with each reply. */
static void add_rate_headers(struct MHD_Response *response) {
    char text[32];
    if (options.rate <= 0 || !bucket.known)
        return;
    double missing = (double)options.burst - bucket.level;
    (void)snprintf(text, sizeof text, "%ld", options.burst);
    MHD_add_response_header(response, "x-ratelimit-limit-requests", text);
    (void)snprintf(text, sizeof text, "%ld", (long)bucket.level);
    MHD_add_response_header(response, "x-ratelimit-remaining-requests", text);
    (void)snprintf(text, sizeof text, "%ldms", (long)(missing * 60000 / (double)options.rate));
    MHD_add_response_header(response, "x-ratelimit-reset-requests", text);
}

#endif
